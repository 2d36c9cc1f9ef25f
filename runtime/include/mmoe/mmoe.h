/* The C interface of mmoe-edge, for C, Swift, Kotlin/JNI, Rust and Python. It has what the C++ headers have, with the
 * same names. Functions and fields are only ever appended.
 *
 *   mmoe_model* model;
 *   mmoe_session* session;
 *   if (mmoe_model_map("ranker.mmoe", NULL, &model) != MMOE_OK) puts(mmoe_last_message());
 *   mmoe_session_create(model, NULL, &session);
 *
 *   mmoe_rows* rows;                                   // raw values by name
 *   mmoe_rows_create(model, NULL, &rows);
 *   mmoe_rows_set_number(rows, 0, "age", 39);
 *   mmoe_rows_set_text(rows, 0, "country", "DE");
 *
 *   mmoe_input input = {.struct_size = sizeof input, .rows = rows};
 *   mmoe_output output = {.struct_size = sizeof output, .scores = scores, .num_scores = 2};
 *   if (mmoe_session_score(session, &input, &output) != MMOE_OK) puts(mmoe_last_message());
 *
 * Structs that may grow begin with struct_size, which the caller sets to the struct's size: so a program can be older
 * than the library. The other members may be 0, which stands for the default. A C++ option that is on by default is
 * called no_OPTION here.
 *
 * Threads: a model may be shared by all; a session, and a row builder, belong to one thread at a time. Free sessions
 * and row builders before their model.
 *
 * Null handles: functions that return a status return MMOE_INVALID_ARGUMENT, those that return a number 0, those that
 * return a pointer null, and those that look something up what they return when it is not there.
 *
 * Two plug-ins of one process may each have this library inside, in two versions: the static library is compiled with
 * hidden symbols, so that a plug-in does not export them. The shared library exports the functions below and nothing
 * else. */
#ifndef MMOE_MMOE_H_
#define MMOE_MMOE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before every function. A program that uses the shared library on Windows defines MMOE_SHARED (CMake's mmoe::c does).
 */
#if defined(_WIN32) && defined(MMOE_BUILDING_SHARED)
#define MMOE_API __declspec(dllexport)
#elif defined(_WIN32) && defined(MMOE_SHARED)
#define MMOE_API __declspec(dllimport)
#elif defined(MMOE_BUILDING_SHARED)
#define MMOE_API __attribute__((visibility("default")))
#else
#define MMOE_API
#endif

/* ---------------------------------------------------------------------------------------- versions and errors */

/* Of this header. mmoe_version() is the library's: "0.1.0"; mmoe_version_number() that as 1000000 * major + 1000 *
 * minor + patch. */
#define MMOE_VERSION_MAJOR 0
#define MMOE_VERSION_MINOR 1
#define MMOE_VERSION_PATCH 0
MMOE_API const char* mmoe_version(void);
MMOE_API uint32_t mmoe_version_number(void);

/** Numbered like mmoe::ErrorCode, which documents them. */
typedef int32_t mmoe_status;
enum {
  MMOE_OK = 0,
  MMOE_IO = 1,
  MMOE_NOT_A_MODEL = 2,
  MMOE_NEWER_VERSION = 3,
  MMOE_DAMAGED = 4,
  MMOE_UNSUPPORTED = 5,
  MMOE_MISALIGNED = 6,
  MMOE_CHECKSUM = 7,
  MMOE_INVALID_ARGUMENT = 8,
  MMOE_ARENA_TOO_SMALL = 9,
  MMOE_OUT_OF_MEMORY = 10,
  MMOE_NON_FINITE = 11,
  MMOE_UNKNOWN_CATEGORY = 12,
  MMOE_LIMIT_EXCEEDED = 13
};

/** A short name of a status, as "damaged file". Never null. */
MMOE_API const char* mmoe_status_name(mmoe_status status);

/** What the last failed call on this thread said; "" before the first. Valid until the next failure there. */
MMOE_API const char* mmoe_last_message(void);

/* ---------------------------------------------------------------------------------------- kernel sets */

typedef struct mmoe_kernel_set_info {
  size_t struct_size;
  const char* name;  /**< as mmoe_session_options.kernel_set takes it; never freed */
  size_t lanes;      /**< floats in one of its registers */
  int32_t exact;     /**< whether its scores are the same bits as those of every other exact set */
  int32_t available; /**< whether this machine can run it */
} mmoe_kernel_set_info;

/** Sets that are compiled into the library, fastest first. Without a choice a session takes the first that is
 * available. */
MMOE_API size_t mmoe_num_kernel_sets(void);
MMOE_API mmoe_status mmoe_kernel_set(size_t index, mmoe_kernel_set_info* info);

/* ---------------------------------------------------------------------------------------- models */

typedef struct mmoe_model mmoe_model;

/** Options of loading. All zero: the defaults, which are safe for files that may be damaged. */
typedef struct mmoe_load_options {
  size_t struct_size;
  int32_t no_verify_header;   /**< do not compare the header with its checksum */
  int32_t verify_checksums;   /**< compare every byte with its checksum; reads the whole file */
  int32_t copy_if_misaligned; /**< mmoe_model_from_bytes: copy instead of MMOE_MISALIGNED */
  int32_t copy;               /**< own a copy of all bytes: of a file that others may overwrite */
} mmoe_load_options;

enum { MMOE_ALIGNMENT = 64 }; /**< of the bytes that mmoe_model_from_bytes() takes */

/** Maps a file, which must not be written to in place meanwhile: replace it by rename, or set options->copy. options
 * may be null. On success *model is to be freed with mmoe_model_free(). */
MMOE_API mmoe_status mmoe_model_map(const char* path, const mmoe_load_options* options, mmoe_model** model);

/** Uses `size` bytes at `data`, a multiple of MMOE_ALIGNMENT, which stay the caller's and must outlive the model. */
MMOE_API mmoe_status mmoe_model_from_bytes(const void* data, size_t size, const mmoe_load_options* options,
                                           mmoe_model** model);

/** Null is allowed. */
MMOE_API void mmoe_model_free(mmoe_model* model);

/** Texts of a model are UTF-8, *size bytes and a null behind them. They live as long as the model. size may be null. */
MMOE_API const char* mmoe_model_name(const mmoe_model* model, size_t* size);
MMOE_API const char* mmoe_model_architecture(const mmoe_model* model, size_t* size); /**< "MMoE", "CGC" */

/** Columns of x; those of a user's part and of a candidate's, both 0 where the model does not tell them apart. */
MMOE_API size_t mmoe_model_input_dim(const mmoe_model* model);
MMOE_API size_t mmoe_model_user_dim(const mmoe_model* model);
MMOE_API size_t mmoe_model_candidate_dim(const mmoe_model* model);

MMOE_API size_t mmoe_model_num_tasks(const mmoe_model* model);
MMOE_API const char* mmoe_model_task_name(const mmoe_model* model, size_t task, size_t* size);
/** mmoe_model_num_tasks() when there is none of that name (UTF-8, terminated). */
MMOE_API size_t mmoe_model_find_task(const mmoe_model* model, const char* name);

/** Of mmoe_feature_info.kind: numbers; a category; several categories of one vocabulary. */
enum { MMOE_DENSE = 0, MMOE_SPARSE = 1, MMOE_SEQUENCE = 2 };
/** Of mmoe_feature_info.side. User and context features are the same for all candidates of a request. */
enum { MMOE_CONTEXT = 0, MMOE_USER = 1, MMOE_ITEM = 2 };

typedef struct mmoe_feature_info {
  size_t struct_size;
  const char* name;
  size_t name_size;
  const char* source; /**< the raw data's column: the name, unless several features read one column */
  size_t source_size;
  size_t column;           /**< first column in x */
  size_t width;            /**< columns in x; of a dense feature also the number of raw values */
  size_t length;           /**< ids per row: sparse 1, sequence the most that it may have, dense 0 */
  size_t num_values;       /**< sparse, sequence: size of the vocabulary */
  size_t num_ids;          /**< sparse, sequence: rows of the embedding table */
  int32_t kind;            /**< MMOE_DENSE, ... */
  int32_t side;            /**< MMOE_CONTEXT, ... */
  int32_t string_values;   /**< sparse, sequence: the vocabulary holds texts, else integers */
  int32_t refuses_unknown; /**< sparse, sequence: a value that is not in the vocabulary is an error */
  int32_t refuses_missing; /**< dense: no value stands for a missing (NaN) one */
  int32_t hashed;          /**< sparse, sequence: the id is a bucket of the value's hash; integers are values too */
  int32_t number_values;   /**< sparse, sequence: a value is a number, between bounds: mmoe_model_find_bin() */
  int32_t num_parts;       /**< sparse: values of a row that make one category: 1, but for a cross (a list of rows) */
  const char* weights;     /**< sequence: the raw data's column of the elements' weights; empty: they have none */
  size_t weights_size;
} mmoe_feature_info;

/** Features are in the order of the model's description; 0 when the model takes x alone. */
MMOE_API size_t mmoe_model_num_features(const mmoe_model* model);
/** Fills *info. MMOE_INVALID_ARGUMENT: there is none. */
MMOE_API mmoe_status mmoe_model_feature(const mmoe_model* model, size_t index, mmoe_feature_info* info);
/** The raw data's column of a part of a cross, below num_parts; not terminated. Null: there is none. */
MMOE_API const char* mmoe_model_crossed_column(const mmoe_model* model, size_t feature, size_t part, size_t* size);
/** mmoe_model_num_features() when there is none of that name (UTF-8, terminated), or it is null. */
MMOE_API size_t mmoe_model_find_feature(const mmoe_model* model, const char* name);

enum {
  MMOE_UNKNOWN_ID = -1, /**< the vocabulary does not hold the category: the feature's rule says what becomes of it */
  MMOE_NO_ELEMENT = -2  /**< behind the last element of a sequence */
};

/** Id of a category, MMOE_UNKNOWN_ID where the vocabulary does not hold it. *id may be used in mmoe_feature_column.
 * MMOE_INVALID_ARGUMENT: there is no such feature, or its values are not of that type. */
MMOE_API mmoe_status mmoe_model_find_id_text(const mmoe_model* model, size_t feature, const char* text, size_t size,
                                             int32_t* id);
MMOE_API mmoe_status mmoe_model_find_id_integer(const mmoe_model* model, size_t feature, int64_t value, int32_t* id);
/** The same of an unsigned one: what is below 2^63 is the same number, and -1 is not 2^64 - 1. */
MMOE_API mmoe_status mmoe_model_find_id_unsigned(const mmoe_model* model, size_t feature, uint64_t value, int32_t* id);
/** The id of the bin that a number is in, MMOE_UNKNOWN_ID for NaN. MMOE_INVALID_ARGUMENT: there is no such feature, or
 * its values are not numbers between bounds. */
MMOE_API mmoe_status mmoe_model_find_bin(const mmoe_model* model, size_t feature, double value, int32_t* id);

typedef struct mmoe_category {
  size_t struct_size;
  const char* text; /**< of a vocabulary of texts: UTF-8, text_size bytes, not terminated; lives as long as the model */
  size_t text_size;
  int32_t id;          /**< as mmoe_model_find_id_text() finds it; MMOE_UNKNOWN_ID: the file is damaged there */
  int32_t is_unsigned; /**< integer is the bits of an unsigned one */
  int64_t integer;     /**< of a vocabulary of integers */
} mmoe_category;

/** How many categories the vocabulary of a feature lists, for a menu: mmoe_feature_info.num_values, but 0 of a dense
 * feature, and where ids are buckets of a hash, bins or parts of a date. */
MMOE_API size_t mmoe_model_num_categories(const mmoe_model* model, size_t feature);
/** One of them; their order means nothing: sort them by id. MMOE_INVALID_ARGUMENT: there is none. */
MMOE_API mmoe_status mmoe_model_category(const mmoe_model* model, size_t feature, size_t place,
                                         mmoe_category* category);

/** The whole file. */
MMOE_API const void* mmoe_model_data(const mmoe_model* model);
MMOE_API size_t mmoe_model_size_bytes(const mmoe_model* model);

/** Compares every segment and the header with their checksums. MMOE_CHECKSUM: the message names the segment. */
MMOE_API mmoe_status mmoe_model_verify_checksums(const mmoe_model* model);

/** For a picture: 1 where an expert of a level reads what a gate of the level before gives, alone or beside other
 * columns; else 0, also where there is none of that number. Numbers are those of mmoe_gate_info. What a node between
 * them gives is not followed. */
MMOE_API int32_t mmoe_model_expert_reads(const mmoe_model* model, size_t level, size_t expert, size_t gate);

/** Rows with known scores that the converter stored in the file. */
typedef struct mmoe_golden_rows {
  size_t struct_size;
  size_t num_rows;
  const float* values;  /**< with features [num_rows, num_values], else x [num_rows, input_dim] */
  const int32_t* ids;   /**< [num_rows, num_ids] */
  const float* scores;  /**< [num_rows, num_tasks] */
  size_t num_values;    /**< columns of values */
  size_t num_ids;       /**< columns of ids */
  int32_t has_features; /**< what values and ids are */
  int32_t reserved;
} mmoe_golden_rows;

MMOE_API mmoe_status mmoe_model_golden_rows(const mmoe_model* model, mmoe_golden_rows* rows);
/** Largest difference from the golden scores that is allowed for a kernel set that is not exact, relative to
 * max(1, |score|). */
MMOE_API double mmoe_model_tolerance_without_fma(const mmoe_model* model);

/* ---------------------------------------------------------------------------------------- raw rows by name
 *
 * What is not set is missing: the feature's rule says what becomes of it. The first error stays until
 * mmoe_rows_clear(), is what every later function returns that sets something, and what scoring returns, so that a
 * program checks once. Messages begin with the feature and the row. A name that the model does not have is such an
 * error. */

/** Of rows: all features; those of the user and the context; those of the item. */
enum { MMOE_WHOLE = 0, MMOE_USER_PART = 1, MMOE_CANDIDATE_PART = 2 };

typedef struct mmoe_rows mmoe_rows;

typedef struct mmoe_rows_options {
  size_t struct_size;
  size_t max_rows; /**< 0: 1 */
  int32_t part;    /**< MMOE_WHOLE, ... */
  int32_t reserved;
} mmoe_rows_options;

/** options null: all defaults. One allocation of the rows and one of the handle; none later. */
MMOE_API mmoe_status mmoe_rows_create(const mmoe_model* model, const mmoe_rows_options* options, mmoe_rows** rows);
/** Bytes that mmoe_rows_create_in() needs, handle included; SIZE_MAX when the machine cannot address it. */
MMOE_API mmoe_status mmoe_rows_bytes(const mmoe_model* model, const mmoe_rows_options* options, size_t* bytes);
/** The same in the caller's memory, at any address; allocates nothing. */
MMOE_API mmoe_status mmoe_rows_create_in(const mmoe_model* model, const mmoe_rows_options* options, void* memory,
                                         size_t memory_bytes, mmoe_rows** rows);
/** Null is allowed. Also for rows in the caller's memory, which it leaves alone. */
MMOE_API void mmoe_rows_free(mmoe_rows* rows);

/** One feature of one row, by its name (UTF-8, terminated). Dense: a number or an integer. Sparse: a text or an
 * integer, as the vocabulary has them. text: UTF-8, terminated, or `size` bytes; null is a missing value. */
MMOE_API mmoe_status mmoe_rows_set_missing(mmoe_rows* rows, size_t row, const char* feature);
MMOE_API mmoe_status mmoe_rows_set_number(mmoe_rows* rows, size_t row, const char* feature, double number);
MMOE_API mmoe_status mmoe_rows_set_integer(mmoe_rows* rows, size_t row, const char* feature, int64_t integer);
MMOE_API mmoe_status mmoe_rows_set_unsigned(mmoe_rows* rows, size_t row, const char* feature, uint64_t integer);
MMOE_API mmoe_status mmoe_rows_set_text(mmoe_rows* rows, size_t row, const char* feature, const char* text);
MMOE_API mmoe_status mmoe_rows_set_text_n(mmoe_rows* rows, size_t row, const char* feature, const char* text,
                                          size_t size);

/** The same by the feature's index in the model: nothing is searched. */
MMOE_API mmoe_status mmoe_rows_set_missing_at(mmoe_rows* rows, size_t row, size_t feature);
MMOE_API mmoe_status mmoe_rows_set_number_at(mmoe_rows* rows, size_t row, size_t feature, double number);
MMOE_API mmoe_status mmoe_rows_set_integer_at(mmoe_rows* rows, size_t row, size_t feature, int64_t integer);
MMOE_API mmoe_status mmoe_rows_set_unsigned_at(mmoe_rows* rows, size_t row, size_t feature, uint64_t integer);
MMOE_API mmoe_status mmoe_rows_set_text_at(mmoe_rows* rows, size_t row, size_t feature, const char* text);
MMOE_API mmoe_status mmoe_rows_set_text_n_at(mmoe_rows* rows, size_t row, size_t feature, const char* text,
                                             size_t size);

/** Of mmoe_values.type, and what `data` then points to. */
enum {
  MMOE_FLOATS = 1,  /**< float */
  MMOE_DOUBLES = 2, /**< double */
  MMOE_INT32S = 3,  /**< int32_t */
  MMOE_INT64S = 4,  /**< int64_t */
  MMOE_TEXTS = 5,   /**< const char*: UTF-8, terminated; null is a missing value */
  MMOE_PACKED_TEXTS =
      6,           /**< int32_t: size + 1 offsets into `bytes`; text i is from data[i] up to data[i + 1] (Arrow) */
  MMOE_UINT64S = 7 /**< uint64_t */
};

/** Several values of one type. */
typedef struct mmoe_values {
  const void* data;
  size_t size; /**< how many */
  const char* bytes;
  size_t num_bytes;
  int32_t type; /**< MMOE_FLOATS, ... */
  int32_t reserved;
} mmoe_values;

/** A sequence's elements, the numbers of a dense feature that is wider than 1, or the values of a cross: as texts, of
 * which those in decimal are integers where the cross has integers, or as integers. */
MMOE_API mmoe_status mmoe_rows_set_list(mmoe_rows* rows, size_t row, const char* feature, const mmoe_values* list);
MMOE_API mmoe_status mmoe_rows_set_list_at(mmoe_rows* rows, size_t row, size_t feature, const mmoe_values* list);

/** One feature of all rows in one call: num_rows times its width (dense) or length values, row after row. A sequence
 * whose rows differ in length has row_offsets, [num_rows + 1]: row r has the elements from row_offsets[r] up to
 * row_offsets[r + 1]; else null and 0. */
MMOE_API mmoe_status mmoe_rows_set_column(mmoe_rows* rows, const char* feature, const mmoe_values* values,
                                          const int32_t* row_offsets, size_t num_offsets);
MMOE_API mmoe_status mmoe_rows_set_column_at(mmoe_rows* rows, size_t feature, const mmoe_values* values,
                                             const int32_t* row_offsets, size_t num_offsets);

/** A sparse feature of all rows by ids, one per row, as mmoe_model_find_id_text() gives them: where the same categories
 * come again and again, each is then looked up once. MMOE_UNKNOWN_ID: not in the vocabulary, or missing. */
MMOE_API mmoe_status mmoe_rows_set_ids(mmoe_rows* rows, const char* feature, const int32_t* ids, size_t num_ids);
MMOE_API mmoe_status mmoe_rows_set_ids_at(mmoe_rows* rows, size_t feature, const int32_t* ids, size_t num_ids);

/** The weights of a sequence's elements, where mmoe_feature_info has a column of them: of one row, or of all rows as
 * mmoe_rows_set_column() has them. An element without a weight makes the row's input missing. */
MMOE_API mmoe_status mmoe_rows_set_weights(mmoe_rows* rows, size_t row, const char* feature,
                                           const mmoe_values* weights);
MMOE_API mmoe_status mmoe_rows_set_weights_at(mmoe_rows* rows, size_t row, size_t feature, const mmoe_values* weights);
MMOE_API mmoe_status mmoe_rows_set_weights_column(mmoe_rows* rows, const char* feature, const mmoe_values* weights,
                                                  const int32_t* row_offsets, size_t num_offsets);
MMOE_API mmoe_status mmoe_rows_set_weights_column_at(mmoe_rows* rows, size_t feature, const mmoe_values* weights,
                                                     const int32_t* row_offsets, size_t num_offsets);

/** num_rows rows with nothing set, and no error. MMOE_INVALID_ARGUMENT, which stays as an error of
 * mmoe_rows_set_...() does: more than max_rows. */
MMOE_API mmoe_status mmoe_rows_clear(mmoe_rows* rows, size_t num_rows);
MMOE_API size_t mmoe_rows_num_rows(const mmoe_rows* rows);
MMOE_API size_t mmoe_rows_max_rows(const mmoe_rows* rows);
MMOE_API int32_t mmoe_rows_part(const mmoe_rows* rows);
/** The first error since mmoe_rows_clear(); mmoe_last_message() then has its message. */
MMOE_API mmoe_status mmoe_rows_status(const mmoe_rows* rows);

/* ---------------------------------------------------------------------------------------- several cores
 *
 *   mmoe_thread_pool* pool;
 *   mmoe_thread_pool_create(4, &pool);
 *   mmoe_session_options options = {.struct_size = sizeof options, .max_batch = 1000, .num_workers = 4};
 *   options.executor = mmoe_thread_pool_executor(pool);   // or mmoe_executor_make(), of your own
 *
 * Scores are the same bits for any number of workers. */

/** What runs the parts of a call. As one of the two functions below returns it, or zero: the caller's thread does all.
 */
typedef struct mmoe_executor {
  void (*run)(void* state, size_t num_tasks, void (*task)(void* context, size_t index), void* context);
  void* state;
  void (*library)(void); /**< the library's own: a program that makes no executor is linked without what it needs */
} mmoe_executor;

/** run() calls task(context, i) exactly once for every i < num_tasks, on any threads, at once or one after the other in
 * any order, and returns when all calls have returned and their writes are visible to its caller. num_tasks is at most
 * the session's num_workers. Tasks do not block or wait for each other. `state` is passed to run(); it stays the
 * caller's and must outlive the sessions that use it. Not in a build without threads. */
MMOE_API mmoe_executor mmoe_executor_make(void (*run)(void* state, size_t num_tasks,
                                                      void (*task)(void* context, size_t index), void* context),
                                          void* state);

enum { MMOE_MAX_WORKERS = 256 };

/** A ready executor on threads that sleep while there is nothing to do: the library mmoe::threads (libmmoe_threads.a),
 * or the shared library. One pool serves any number of sessions and models, which take turns. */
typedef struct mmoe_thread_pool mmoe_thread_pool;

/** num_threads, 1 to MMOE_MAX_WORKERS, counts the thread that calls, which works too. MMOE_OUT_OF_MEMORY: the system
 * refuses a thread. */
MMOE_API mmoe_status mmoe_thread_pool_create(size_t num_threads, mmoe_thread_pool** pool);
MMOE_API size_t mmoe_thread_pool_num_threads(const mmoe_thread_pool* pool);
/** Valid as long as the pool. */
MMOE_API mmoe_executor mmoe_thread_pool_executor(const mmoe_thread_pool* pool);
/** Ends the threads; null is allowed. After the sessions that use it, or at least after their last call. */
MMOE_API void mmoe_thread_pool_free(mmoe_thread_pool* pool);

/* ---------------------------------------------------------------------------------------- sessions */

typedef struct mmoe_session mmoe_session;

/** What happens to rows with inputs that are NaN or infinite. As an error, scores are checked too. */
enum { MMOE_NAN_SCORES = 0, MMOE_NON_FINITE_IS_ERROR = 1 };

/** When to skip, for a row, the experts that none of its gates selects. The scores have the same bits either way. */
enum { MMOE_SKIP_WHERE_FASTER = 0, MMOE_SKIP_ALWAYS = 1, MMOE_SKIP_NEVER = 2 };

enum { MMOE_MAX_TASKS = 64, MMOE_MAX_BLOCK_ROWS = 128 };

/** <mmoe/plan.h> says more of each. */
typedef struct mmoe_session_options {
  size_t struct_size;
  size_t max_batch;      /**< largest batch that is usually scored at once; 0: 1 */
  const uint32_t* tasks; /**< in the order of the scores' columns; null: all */
  size_t num_tasks;
  size_t top_k;           /**< keep the k largest weights of every gate; 0: as the file says */
  const char* kernel_set; /**< null: the environment variable MMOE_KERNEL_SET, else the fastest */
  mmoe_executor executor;
  size_t num_workers;           /**< largest number of cores that work on a call; 0: 1 */
  float min_gate_weight;        /**< skip experts of smaller weight; 0: none */
  int32_t no_renormalise;       /**< do not divide the weights that min_gate_weight keeps by their sum */
  int32_t skip_experts;         /**< MMOE_SKIP_WHERE_FASTER, ... */
  int32_t non_finite;           /**< MMOE_NAN_SCORES, ... */
  int32_t no_allow_environment; /**< do not read MMOE_KERNEL_SET */
  int32_t reserved;             /**< 0; the struct has no padding, so that a field can be appended */
  /** What a row may cost, else MMOE_LIMIT_EXCEEDED. 0: default; UINT64_MAX: no limit. */
  uint64_t max_multiply_adds;
  uint64_t max_steps;
  uint64_t max_arena_bytes;
  uint64_t max_ids;
} mmoe_session_options;

/** options null: all defaults. One allocation of the memory of all workers and one of the handle. */
MMOE_API mmoe_status mmoe_session_create(const mmoe_model* model, const mmoe_session_options* options,
                                         mmoe_session** session);

/** Bytes that mmoe_session_create_in() needs, handle included. */
MMOE_API mmoe_status mmoe_session_arena_bytes(const mmoe_model* model, const mmoe_session_options* options,
                                              size_t* bytes);

/** Creates a session in the caller's memory, at any address; allocates nothing. */
MMOE_API mmoe_status mmoe_session_create_in(const mmoe_model* model, const mmoe_session_options* options, void* arena,
                                            size_t arena_bytes, mmoe_session** session);

/** Null is allowed. Also for sessions in the caller's memory, which it leaves alone. */
MMOE_API void mmoe_session_free(mmoe_session* session);

/* ---------------------------------------------------------------------------------------- scoring */

/** One feature's raw values for all rows; what the feature's kind does not use is ignored. */
typedef struct mmoe_feature_column {
  const float* values; /**< dense: [num_rows, width]; NaN is a missing value */
  size_t num_values;   /**< floats there */
  const int32_t* ids;  /**< sparse: [num_rows]; sequence: [num_rows, length]; MMOE_UNKNOWN_ID, MMOE_NO_ELEMENT */
  size_t num_ids;
} mmoe_feature_column;

/** One column per feature of the model, at the feature's index, also of a user and of candidates: columns of features
 * that are not in the part are ignored. As mmoe_columns_make() returns it. */
typedef struct mmoe_columns {
  const mmoe_feature_column* columns;
  size_t num_columns;
  void (*library)(void); /**< the library's own: a program that scores x alone is linked without what it needs */
} mmoe_columns;
MMOE_API mmoe_columns mmoe_columns_make(const mmoe_feature_column* columns, size_t num_columns);

/** Rows to be scored, or the user's one row: one of x, columns and rows. Nothing is copied or kept after the call. */
typedef struct mmoe_input {
  size_t struct_size;
  size_t num_rows; /**< of x and of columns */
  const float* x;  /**< [num_rows, input_dim]; of a user or of candidates the part's columns alone */
  size_t num_x;    /**< floats there: exactly those of the rows, else MMOE_INVALID_ARGUMENT */
  size_t x_stride; /**< floats from row to row, and x may go on behind the last row; 0: without gaps */
  mmoe_columns columns;
  const mmoe_rows* rows;
  int32_t candidates; /**< nonzero: candidates of the session's user (rows that are made for them need it not) */
  int32_t reserved;
} mmoe_input;

/** Where results go. Null: not wanted (scores always are). Strides are in floats; 0: rows stand one directly behind the
 * other. An array that is too short is MMOE_INVALID_ARGUMENT. */
typedef struct mmoe_output {
  size_t struct_size;
  float* scores;     /**< [num_rows, mmoe_session_num_tasks()] */
  size_t num_scores; /**< floats there */
  size_t scores_stride;
  float* gate_weights; /**< [num_rows, mmoe_session_num_gate_weights()], as mixed: 0 of an expert that a row does not
                          select */
  size_t num_gate_weights;
  size_t gate_weights_stride;
  float* logits; /**< [num_rows, mmoe_session_num_logits()]: what the towers give before links make scores of it */
  size_t num_logits;
  size_t logits_stride;
} mmoe_output;

/** Scores rows, or candidates of the user that mmoe_session_set_user() has set, with the bits of whole rows. Allocates
 * nothing. <mmoe/session.h> lists the errors. */
MMOE_API mmoe_status mmoe_session_score(mmoe_session* session, const mmoe_input* input, const mmoe_output* output);

/** Takes one row of a user: computes its share of every first layer once. The session keeps that, not the input. */
MMOE_API mmoe_status mmoe_session_set_user(mmoe_session* session, const mmoe_input* user);

/* ---------------------------------------------------------------------------------------- what a session is */

/** Columns of the scores, and the index in the model of the task in one of them (SIZE_MAX: no such column). */
MMOE_API size_t mmoe_session_num_tasks(const mmoe_session* session);
MMOE_API size_t mmoe_session_task(const mmoe_session* session, size_t column);
MMOE_API size_t mmoe_session_num_workers(const mmoe_session* session);
/** The kernel set's name, and whether scores are the same bits as on every other kernel set of which this is true. */
MMOE_API const char* mmoe_session_kernel_set(const mmoe_session* session);
MMOE_API int32_t mmoe_session_is_exact(const mmoe_session* session);
/** The options as planned. */
MMOE_API size_t mmoe_session_top_k(const mmoe_session* session);
MMOE_API float mmoe_session_min_gate_weight(const mmoe_session* session);
MMOE_API int32_t mmoe_session_non_finite(const mmoe_session* session);
MMOE_API size_t mmoe_session_block_rows(const mmoe_session* session); /**< rows that go through all layers together */
/** What one row costs: Plan::multiply_adds_per_row(). */
MMOE_API uint64_t mmoe_session_multiply_adds_per_row(const mmoe_session* session);

/** Gates with computed weights that the session's tasks need, by level and place in it, and the weights of all of them
 * per row. Constant gates are not among them. */
MMOE_API size_t mmoe_session_num_gates(const mmoe_session* session);
MMOE_API size_t mmoe_session_num_gate_weights(const mmoe_session* session);

typedef struct mmoe_gate_info {
  size_t struct_size;
  size_t level;            /**< which of the model's levels, from 0 */
  size_t index;            /**< which of the level's gates, from 0 */
  size_t column;           /**< of its first weight */
  size_t num_experts;      /**< weights per row */
  const uint32_t* experts; /**< [num_experts] their places in the level, in the order of the weights; the model's */
  const char* name;        /**< UTF-8, name_size bytes; may be null */
  size_t name_size;
  uint64_t tasks; /**< bit t: the tower of the model's task t depends on it, requested or not */
} mmoe_gate_info;

/** Fills *info. MMOE_INVALID_ARGUMENT: no such gate. */
MMOE_API mmoe_status mmoe_session_gate(const mmoe_session* session, size_t index, mmoe_gate_info* info);

/** Columns of mmoe_output.logits, and those of which the score in a column is made: *count is 1, the number of classes
 * of a softmax, or 0 of a product of other tasks' scores. MMOE_INVALID_ARGUMENT: no such column. */
MMOE_API size_t mmoe_session_num_logits(const mmoe_session* session);
MMOE_API mmoe_status mmoe_session_logits(const mmoe_session* session, size_t column, size_t* first, size_t* count);

/** One step of the plan, for profiling. */
typedef struct mmoe_step_info {
  size_t struct_size;
  const char* kind; /**< "dense", "norm", "gate", "select", "mix", "link", "copy" */
  size_t inputs;    /**< columns read per row */
  size_t outputs;   /**< columns written per row */
  int32_t sparse;   /**< runs only on the rows that selected its expert */
  int32_t reserved;
} mmoe_step_info;

MMOE_API size_t mmoe_session_num_steps(const mmoe_session* session);
MMOE_API mmoe_status mmoe_session_step(const mmoe_session* session, size_t index, mmoe_step_info* info);
/** mmoe_session_score(), adding to ticks[i] what `clock` says that step i took. ticks: [mmoe_session_num_steps()]. */
MMOE_API mmoe_status mmoe_session_profile(mmoe_session* session, const mmoe_input* input, const mmoe_output* output,
                                          uint64_t (*clock)(void), uint64_t* ticks, size_t num_ticks);

/* ---------------------------------------------------------------------------------------- golden rows
 *
 * After an update of the model or of the app, before the new one takes over:
 *
 *   mmoe_golden_report report = {.struct_size = sizeof report};
 *   if (mmoe_session_replay_golden(session, NULL, 0, &report) != MMOE_OK || report.num_wrong != 0) ...  // do not use
 * it */

typedef struct mmoe_golden_report {
  size_t struct_size;
  size_t num_rows;
  size_t num_scores; /**< rows times the session's tasks */
  size_t num_wrong;  /**< scores that are not the stored ones; 0: all is well */
  size_t row;        /**< of the first wrong score, as all that follow; 0 when there is none */
  size_t task;       /**< index in the model */
  float found;
  float expected;
  double tolerance;          /**< relative to max(1, |expected score|); 0 when exact */
  double largest_difference; /**< |score - expected| / max(1, |expected|) */
  int32_t exact;             /**< the same bits were asked for */
  int32_t reserved;
} mmoe_golden_report;

/** Scores the golden rows of the session's model and compares. `scores`: room for num_scores floats, at least one row;
 * null: 256 floats of the stack. MMOE_INVALID_ARGUMENT: the file has no golden rows, `scores` is too short, the session
 * has a top_k or min_gate_weight of its own. */
MMOE_API mmoe_status mmoe_session_replay_golden(mmoe_session* session, float* scores, size_t num_scores,
                                                mmoe_golden_report* report);

#ifdef __cplusplus
}
#endif

#endif /* MMOE_MMOE_H_ */
