// Scores of multi-task ranking models, the same bits as on the device.

/** Version of the package. */
export const version: string;

/** What goes wrong, with the text of the runtime. */
export class MmoeError extends Error {
  /** As in <mmoe/mmoe.h>, without its prefix: "DAMAGED", "INVALID_ARGUMENT", "UNKNOWN_CATEGORY", ... */
  readonly code: string;
}

/** What a model takes: raw values of one column of the data, or of several (`crossed`). */
export interface Feature {
  readonly name: string;
  /** Numbers; a category; several categories of one vocabulary. */
  readonly kind: "dense" | "sparse" | "sequence";
  /** User and context features are the same for all candidates of a request. */
  readonly side: "context" | "user" | "item";
  /** The column of the raw data. */
  readonly source: string;
  /** First column in x. */
  readonly column: number;
  /** Columns in x; of a dense feature also the number of raw values. */
  readonly width: number;
  /** Ids per row: sparse 1, sequence the most that it may have, dense 0. */
  readonly length: number;
  /** Size of the vocabulary; number of buckets or bins. */
  readonly numValues: number;
  /** Rows of the embedding table. */
  readonly numIds: number;
  /** The vocabulary holds texts, else whole numbers. */
  readonly stringValues: boolean;
  /** A value is a number, between bounds. */
  readonly numberValues: boolean;
  /** The id is a bucket of the value's hash. */
  readonly hashed: boolean;
  /** A value that is not in the vocabulary is an error. */
  readonly refusesUnknown: boolean;
  /** Dense: no value stands for a missing one. */
  readonly refusesMissing: boolean;
  /** The columns whose values make one category; empty: it is no cross. */
  readonly crossed: readonly string[];
  /** The column of the elements' weights; empty: there is none. */
  readonly weights: string;
}

/** A gate whose weights are computed for each row. */
export interface Gate {
  readonly name: string;
  readonly level: number;
  /** In its level. */
  readonly place: number;
  /** Of its first weight, in `gateWeights`. */
  readonly column: number;
  /** Their places in the level, in the order of the weights. */
  readonly experts: readonly number[];
  /** Those that depend on it. */
  readonly tasks: readonly string[];
}

/** A step of the plan. */
export interface Step {
  /** "dense", "norm", "gate", "select", "mix", "link", "copy". */
  readonly kind: string;
  /** Columns read and written per row. */
  readonly inputs: number;
  readonly outputs: number;
  /** It runs only on the rows that selected its expert. */
  readonly sparse: boolean;
}

/** Rows with known scores that the file has. */
export interface GoldenRows {
  readonly numRows: number;
  readonly numValues: number;
  readonly numIds: number;
  /** [numRows, numValues]: numbers of raw rows; without features, x. */
  readonly values: Float32Array;
  /** [numRows, numIds] */
  readonly ids: Int32Array;
  /** [numRows, tasks] */
  readonly scores: Float32Array;
  readonly hasFeatures: boolean;
}

/** What became of the golden rows: `numWrong` is 0 where all is well. */
export interface GoldenReport {
  readonly numRows: number;
  readonly numScores: number;
  readonly numWrong: number;
  readonly largestDifference: number;
  readonly tolerance: number;
  /** The same bits were asked for. */
  readonly exact: boolean;
}

export interface LoadOptions {
  /** Compare every byte with the file's checksums. Default: the header alone. */
  verifyChecksums?: boolean;
  /** Default: where the engine has it. The scores are the same bits without. */
  simd?: boolean;
}

export interface SessionOptions {
  /** The most rows that a call scores; default 128. */
  maxRows?: number;
  /** Names, in the order of the scores' columns; default: all. */
  tasks?: readonly string[];
  /** Keep the k largest weights of every gate; default: as the file says. */
  topK?: number;
  /** Skip experts of smaller weight. */
  minGateWeight?: number;
  /** Divide the weights that minGateWeight keeps by their sum; default true. */
  renormalise?: boolean;
  /** When to skip experts that no gate of a row selects; the bits are the same. */
  skipExperts?: "where_faster" | "always" | "never";
  /** Rows with NaN or infinity have NaN scores, or are an error. */
  nonFinite?: "nan" | "error";
  /** Compute `gateWeights` too. */
  gates?: boolean;
  /** Compute `logits` too. */
  logits?: boolean;
  /** Limits of what a row may cost. */
  maxMultiplyAdds?: number;
  maxSteps?: number;
  maxArenaBytes?: number;
  maxIds?: number;
}

export interface ScoreOptions {
  /** The rows are candidates of the user that setUser() has set. */
  candidates?: boolean;
}

export type Value = string | number | bigint | boolean | null | undefined;
export type List =
  | readonly Value[]
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
/** Raw values by the names of columns; null and undefined are missing values. */
export type Row = Readonly<Record<string, Value | List>>;
/** A row's value of each column, or a typed array: of a wide feature, row after row. Sequences are an array of lists. */
export type Columns = Readonly<Record<string, List | readonly (Value | List)[]>>;

/** A category that a vocabulary lists. */
export interface Category {
  readonly value: string | number | bigint;
  /** null: the file is damaged there. */
  readonly id: number | null;
}

/** A verified model file. It never changes. */
export class Model {
  private constructor();
  /** Takes the bytes of a .mmoe file, which are copied; or a Blob or URL, which is read. Rejects with MmoeError. */
  static load(
    source: ArrayBuffer | ArrayBufferView | Blob | URL,
    options?: LoadOptions,
  ): Promise<Model>;
  readonly name: string;
  /** "MMoE", "CGC", ... */
  readonly architecture: string;
  /** Columns of x; those of a user's part and of a candidate's, both 0 where the model does not tell them apart. */
  readonly inputDim: number;
  readonly userDim: number;
  readonly candidateDim: number;
  readonly tasks: readonly string[];
  readonly sizeBytes: number;
  /** In the order of the model's description; empty: it takes x alone. */
  readonly features: readonly Feature[];
  /** The vocabulary, by id; empty of a dense feature, and where ids are buckets of a hash, bins or parts of a date. */
  categories(feature: string): (string | number | bigint)[];
  /** How many categories the vocabulary lists: none where categories() is empty. */
  numCategories(feature: string): number;
  /** One of them, below numCategories(). Their order means nothing: sort them by id. */
  category(feature: string, place: number): Category;
  /** Smallest and largest number of a dense feature among the golden rows; null: they do not say. */
  range(feature: string): [number, number] | null;
  /**
   * Whether an expert of a level reads what a gate of the level before gives, by the numbers of Gate. What a node between
   * them gives is not followed.
   */
  expertReads(level: number, expert: number, gate: number): boolean;
  readonly goldenRows: GoldenRows;
  /** Compares every byte with the file's checksums. */
  verifyChecksums(): void;
  session(options?: SessionOptions): Session;
  /** Ends its sessions too. Without it, memory goes when nothing refers to the model, its sessions and views. */
  close(): void;
}

/**
 * A model with its working memory. Arrays that it returns are views of that memory: the next call overwrites them, and
 * memory that grows detaches them, which makes their length 0. Take them again, or slice() them to keep them.
 */
export class Session {
  private constructor();
  readonly model: Model;
  readonly maxRows: number;
  /** Names of the scores' columns. */
  readonly tasks: readonly string[];
  /** Those that `gateWeights` has; constant gates are not among them. */
  readonly gates: readonly Gate[];
  readonly steps: readonly Step[];
  readonly numGateWeights: number;
  readonly numLogits: number;
  /** "simd128" or "fpu". */
  readonly kernelSet: string;
  /** Whether scores are the same bits as on every other exact kernel set. */
  readonly isExact: boolean;
  readonly topK: number;
  readonly multiplyAddsPerRow: number;
  readonly closed: boolean;
  /** [maxRows, inputDim], to be filled: score(input.subarray(...)) copies nothing. */
  readonly input: Float32Array;
  /** Of the last call: [rows, tasks]. */
  readonly scores: Float32Array;
  /** Of the last call: [rows, numGateWeights], 0 of an expert that a row does not select; null without `gates`. */
  readonly gateWeights: Float32Array | null;
  /** Of the last call: [rows, numLogits]; null without `logits`. */
  readonly logits: Float32Array | null;
  /** x: [rows, inputDim]; of candidates [rows, candidateDim]. Returns `scores`. */
  score(x: Float32Array, options?: ScoreOptions): Float32Array;
  /** Raw values by name. A column that no row has is an error; others that the model does not know are left alone. */
  scoreRows(rows: readonly Row[] | Columns, options?: ScoreOptions): Float32Array;
  /** Raw values of the user and the context, or their part of x [userDim], for candidates. */
  setUser(user: Row | Float32Array): void;
  /** Scores the rows whose scores the file has, and compares. */
  replayGolden(): GoldenReport;
  close(): void;
}
