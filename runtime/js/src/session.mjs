// A model with its working memory.
import { MmoeError } from "./errors.mjs";
import { Rows } from "./rows.mjs";
import { STRUCTS } from "./structs.mjs";

const SKIPPING = { where_faster: 0, always: 1, never: 2 };
const NON_FINITE = { nan: 0, error: 1 };
const OPTIONS = [
  "maxRows", "tasks", "topK", "minGateWeight", "renormalise", "skipExperts", "nonFinite", "gates", "logits",
  "maxMultiplyAdds", "maxSteps", "maxArenaBytes", "maxIds",
];
const MAX_SIZE = 2 ** 32 - 1;

function choice(name, values, value) {
  if (Object.hasOwn(values, value)) return values[value];
  throw new MmoeError(`${name}: "${value}", expected one of: ${Object.keys(values).join(", ")}`);
}

function whole(name, value, most = MAX_SIZE) {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw new MmoeError(`${name}: ${value}, expected a whole number of at most ${most}`);
}

function isDetached(buffer) {
  try {
    return !new Uint8Array(buffer);
  } catch {
    return true;
  }
}

// Memory of sessions that nobody has closed, freed when they are collected.
const unclosed = new FinalizationRegistry((owned) => owned.forEach((free) => free()));

export class Session {
  #native;
  #handle;
  #owned = []; // functions that free memory; they do not refer to the session
  #rows = {}; // a row builder for each part
  #input = 0;
  #results = {}; // name: pointer and columns per row
  #numRows = 0; // of the last call
  #calls; // where the structs of a call are

  constructor(model, native, options = {}) {
    const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
    if (unknown !== undefined) throw new MmoeError(`${unknown}: no option; they are ${OPTIONS.join(", ")}`);
    this.model = model;
    this.maxRows = whole("maxRows", options.maxRows ?? 128, 2 ** 24);
    if (this.maxRows === 0) throw new MmoeError("maxRows: 0, expected at least 1");
    this.#native = native;
    const c = native.exports;
    const planned = this.#plan(options);
    const handle = native.handle((at) => c.mmoe_session_create(model.handle, planned, at));
    this.#handle = handle;
    this.#own(() => c.mmoe_session_free(handle));
    unclosed.register(this, this.#owned, this);
    this.#describe();
    this.#calls = { input: this.#allocate(STRUCTS.input.bytes), output: this.#allocate(STRUCTS.output.bytes) };
    this.#addResult("scores", this.tasks.length);
    if (options.gates) this.#addResult("gateWeights", this.numGateWeights);
    if (options.logits) this.#addResult("logits", this.numLogits);
  }

  #own(free) {
    this.#owned.push(free);
  }

  #allocate(bytes) {
    const native = this.#native;
    const at = native.allocate(bytes);
    this.#own(() => native.free(at));
    return at;
  }

  #addResult(name, columns) {
    this.#results[name] = { at: this.#allocate(4 * this.maxRows * columns), columns };
  }

  // The options in C, in memory until the next call.
  #plan(options) {
    const native = this.#native;
    const tasks = options.tasks?.map((name) => {
      const index = this.model.tasks.indexOf(name);
      if (index >= 0) return index;
      throw new MmoeError(`tasks: the model has no task "${name}"; it has ${this.model.tasks.join(", ")}`);
    });
    if (tasks?.length === 0) throw new MmoeError("tasks: none, expected at least one name");
    const at = tasks ? native.temporary(4 * tasks.length) : 0;
    if (tasks) new Uint32Array(native.buffer, at, tasks.length).set(tasks);
    return STRUCTS.session_options.write(native, native.scratch, {
      max_batch: this.maxRows,
      tasks: at,
      num_tasks: tasks?.length,
      top_k: whole("topK", options.topK ?? 0),
      min_gate_weight: options.minGateWeight,
      no_renormalise: options.renormalise === false ? 1 : 0,
      skip_experts: choice("skipExperts", SKIPPING, options.skipExperts ?? "where_faster"),
      non_finite: choice("nonFinite", NON_FINITE, options.nonFinite ?? "nan"),
      max_multiply_adds: whole("maxMultiplyAdds", options.maxMultiplyAdds ?? 0, Number.MAX_SAFE_INTEGER),
      max_steps: whole("maxSteps", options.maxSteps ?? 0),
      max_arena_bytes: whole("maxArenaBytes", options.maxArenaBytes ?? 0),
      max_ids: whole("maxIds", options.maxIds ?? 0),
    });
  }

  // What does not change: names and numbers of columns.
  #describe() {
    const c = this.#native.exports;
    const session = this.#handle;
    const { tasks } = this.model;
    const numTasks = c.mmoe_session_num_tasks(session);
    this.tasks = Array.from({ length: numTasks }, (_, column) => tasks[c.mmoe_session_task(session, column)]);
    this.numGateWeights = c.mmoe_session_num_gate_weights(session);
    this.numLogits = c.mmoe_session_num_logits(session);
    this.gates = Array.from({ length: c.mmoe_session_num_gates(session) }, (_, index) => this.#gate(index));
    this.steps = Array.from({ length: c.mmoe_session_num_steps(session) }, (_, index) => this.#step(index));
    this.kernelSet = this.#native.terminated(c.mmoe_session_kernel_set(session));
    this.isExact = c.mmoe_session_is_exact(session) !== 0;
    this.topK = c.mmoe_session_top_k(session);
    this.multiplyAddsPerRow = Number(c.mmoe_session_multiply_adds_per_row(session));
  }

  #gate(index) {
    const native = this.#native;
    const info = STRUCTS.gate_info.filled(native, (at) => native.exports.mmoe_session_gate(this.#handle, index, at));
    return {
      name: native.text(info.name, info.name_size),
      level: info.level,
      place: info.index,
      column: info.column,
      experts: [...new Uint32Array(native.buffer, info.experts, info.num_experts)],
      tasks: this.model.tasks.filter((_, task) => (info.tasks >> BigInt(task)) & 1n),
    };
  }

  #step(index) {
    const native = this.#native;
    const info = STRUCTS.step_info.filled(native, (at) => native.exports.mmoe_session_step(this.#handle, index, at));
    const { inputs, outputs } = info;
    return { kind: native.terminated(info.kind), inputs, outputs, sparse: info.sparse !== 0 };
  }

  #open() {
    this.model.open();
    if (this.#handle === 0) throw new MmoeError("the session is closed");
    return this.#native;
  }

  get input() {
    const native = this.#open();
    const count = this.maxRows * this.model.inputDim;
    if (this.#input === 0) this.#input = this.#allocate(4 * count);
    return native.floats(this.#input, count);
  }

  #result(name) {
    const native = this.#open();
    if (!this.#results[name]) return null;
    const { at, columns } = this.#results[name];
    return native.floats(at, this.#numRows * columns);
  }

  get scores() {
    return this.#result("scores");
  }

  get gateWeights() {
    return this.#result("gateWeights");
  }

  get logits() {
    return this.#result("logits");
  }

  score(x, { candidates = false } = {}) {
    this.#open();
    return this.#run(this.#xInput(x, candidates ? this.model.candidateDim : this.model.inputDim, candidates));
  }

  scoreRows(rows, { candidates = false } = {}) {
    this.#open();
    return this.#run(this.#rowsInput(rows, candidates ? "candidates" : "whole"));
  }

  setUser(user) {
    const native = this.#open();
    const input = ArrayBuffer.isView(user)
      ? this.#xInput(user, this.model.userDim, false)
      : this.#rowsInput([user], "user");
    native.check(native.exports.mmoe_session_set_user(this.#handle, this.#write("input", input)));
  }

  // x where it lies, if that is in the memory; else a copy.
  #xInput(x, columns, candidates) {
    const native = this.#native;
    if (!(x instanceof Float32Array)) throw new MmoeError("x: expected a Float32Array");
    if (isDetached(x.buffer)) throw new MmoeError("x: a view of memory that has grown since: take session.input again");
    const num_rows = Math.floor(x.length / Math.max(columns, 1));
    this.#checkRows("x", num_rows);
    let at = x.byteOffset;
    if (x.buffer !== native.buffer) {
      at = native.temporary(Math.max(x.byteLength, 4));
      native.floats(at, x.length).set(x);
    }
    return { num_rows, x: at, num_x: x.length, candidates: candidates ? 1 : 0 };
  }

  #rowsInput(rows, part) {
    const native = this.#native;
    const maxRows = part === "user" ? 1 : this.maxRows;
    if (!this.#rows[part]) {
      const made = new Rows(this.model, native, part, maxRows);
      this.#rows[part] = made;
      const { handle } = made;
      this.#own(() => native.exports.mmoe_rows_free(handle));
    }
    const table = this.#rows[part].table(rows);
    this.#checkRows("rows", table.numRows);
    this.#rows[part].fill(table);
    return { num_rows: table.numRows, rows: this.#rows[part].handle };
  }

  #checkRows(name, rows) {
    if (rows <= this.maxRows) return;
    throw new MmoeError(`${name}: ${rows} rows, the session has room for ${this.maxRows} (maxRows)`);
  }

  #write(struct, values) {
    return STRUCTS[struct].write(this.#native, this.#calls[struct], values);
  }

  #run({ num_rows, ...input }) {
    const native = this.#native;
    const { scores, gateWeights, logits } = this.#results;
    this.#numRows = 0;
    const output = this.#write("output", {
      scores: scores.at,
      num_scores: this.maxRows * scores.columns,
      gate_weights: gateWeights?.at,
      num_gate_weights: gateWeights && this.maxRows * gateWeights.columns,
      logits: logits?.at,
      num_logits: logits && this.maxRows * logits.columns,
    });
    const given = this.#write("input", { num_rows: input.rows ? 0 : num_rows, ...input });
    native.check(native.exports.mmoe_session_score(this.#handle, given, output));
    this.#numRows = num_rows;
    return this.scores;
  }

  replayGolden() {
    const native = this.#open();
    const { exact, ...report } = STRUCTS.golden_report.filled(native, (at) =>
      native.exports.mmoe_session_replay_golden(this.#handle, 0, 0, at),
    );
    return {
      numRows: report.num_rows,
      numScores: report.num_scores,
      numWrong: report.num_wrong,
      largestDifference: report.largest_difference,
      tolerance: report.tolerance,
      exact: exact !== 0,
    };
  }

  get closed() {
    return this.#handle === 0;
  }

  close() {
    if (this.#handle === 0) return;
    this.#handle = 0;
    unclosed.unregister(this);
    this.#owned.splice(0).reverse().forEach((free) => free());
  }
}
