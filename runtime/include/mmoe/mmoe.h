/* The C interface of mmoe-edge: <mmoe/model.h>, <mmoe/plan.h>, <mmoe/session.h>, <mmoe/executor.h> and
 * <mmoe/thread_pool.h> for C, Swift, Kotlin/JNI, Rust and Python. Functions and fields are only ever appended.
 *
 *   mmoe_model* model;
 *   mmoe_session* session;
 *   if (mmoe_model_map("ranker.mmoe", 0, &model) != MMOE_OK) puts(mmoe_last_message());
 *   mmoe_session_create(model, NULL, &session);
 *   mmoe_session_score(session, x, 1, scores);
 *
 * Threads: a model may be shared by all; a session belongs to one thread at a time. Free sessions before their
 * model.
 *
 * Null handles: functions that return a status return MMOE_INVALID_ARGUMENT, those that return a number 0, those that
 * return a pointer null, and those that look something up what they return when it is not there.
 *
 * Two plug-ins of one process may each have this library inside, in two versions: it is compiled with hidden symbols,
 * so that a plug-in does not export them. A library that is to pass these functions on exports functions of its own. */
#ifndef MMOE_MMOE_H_
#define MMOE_MMOE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before every function. A program that uses the shared library on Windows defines MMOE_SHARED (CMake's mmoe::c does). */
#if defined(_WIN32) && defined(MMOE_BUILDING_SHARED)
#define MMOE_API __declspec(dllexport)
#elif defined(_WIN32) && defined(MMOE_SHARED)
#define MMOE_API __declspec(dllimport)
#elif defined(MMOE_BUILDING_SHARED)
#define MMOE_API __attribute__((visibility("default")))
#else
#define MMOE_API
#endif

/* Numbered like mmoe::ErrorCode, which documents them. */
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

typedef struct mmoe_model mmoe_model;
typedef struct mmoe_session mmoe_session;

/* A short name of a status, as "damaged file". Never null. */
MMOE_API const char* mmoe_status_name(mmoe_status status);

/* What the last failed call on this thread said; "" before the first. Valid until the next failure there. */
MMOE_API const char* mmoe_last_message(void);

/* Flags of the two loading functions. */
enum {
  MMOE_VERIFY_CHECKSUMS = 1,   /* compare every byte with its checksum */
  MMOE_COPY_IF_MISALIGNED = 2, /* mmoe_model_from_bytes: copy instead of MMOE_MISALIGNED */
  MMOE_COPY = 4,               /* own a copy of all bytes: of a file that others may overwrite */
  MMOE_SKIP_HEADER_CHECKSUM = 8 /* do not compare the header with its checksum */
};

/* Maps a file, which must not be written to in place meanwhile: replace it by rename, or use MMOE_COPY. On success
 * *model is to be freed with mmoe_model_free(). */
MMOE_API mmoe_status mmoe_model_map(const char* path, uint32_t flags, mmoe_model** model);

/* Uses `size` bytes at `data`, a multiple of 64, which stay the caller's and must outlive the model. */
MMOE_API mmoe_status mmoe_model_from_bytes(const void* data, size_t size, uint32_t flags, mmoe_model** model);

/* Null is allowed. */
MMOE_API void mmoe_model_free(mmoe_model* model);

MMOE_API size_t mmoe_model_input_dim(const mmoe_model* model);
MMOE_API size_t mmoe_model_num_tasks(const mmoe_model* model);

/* Columns of x that are the same for all candidates of a request (of user and context features), and those that each
 * candidate brings (of item features); both 0 where the model does not tell them apart. */
MMOE_API size_t mmoe_model_user_dim(const mmoe_model* model);
MMOE_API size_t mmoe_model_candidate_dim(const mmoe_model* model);

/* UTF-8, *size bytes, not terminated; null when there is no such task. Lives as long as the model. size may be null. */
MMOE_API const char* mmoe_model_task_name(const mmoe_model* model, size_t task, size_t* size);

MMOE_API size_t mmoe_model_num_features(const mmoe_model* model);

/* Index of a feature, or mmoe_model_num_features() when there is none of that name (UTF-8, terminated) or it is
 * null. */
MMOE_API size_t mmoe_model_find_feature(const mmoe_model* model, const char* name);

/* Raw values per row of a dense feature, columns of x of any. 0 when there is no such feature. */
MMOE_API size_t mmoe_model_feature_width(const mmoe_model* model, size_t feature);
MMOE_API int mmoe_model_feature_is_sparse(const mmoe_model* model, size_t feature);
/* Ids per row: 0 of a dense feature, 1 of a sparse one, of a sequence the most elements that it may have. */
MMOE_API size_t mmoe_model_feature_length(const mmoe_model* model, size_t feature);

/* Id of a category; -1 where the vocabulary does not hold it, or the feature is not of that kind. */
MMOE_API int32_t mmoe_model_find_id_text(const mmoe_model* model, size_t feature, const char* value, size_t size);
MMOE_API int32_t mmoe_model_find_id_integer(const mmoe_model* model, size_t feature, int64_t value);

/* What becomes of rows with a NaN or an infinity; as an error also in a score. */
enum { MMOE_NAN_SCORES = 0, MMOE_NON_FINITE_IS_ERROR = 1 };

/* Set struct_size to sizeof(mmoe_session_options); the other members may be 0 for their defaults. */
typedef struct mmoe_session_options {
  size_t struct_size;
  size_t max_batch;       /* 0: 1 */
  const uint32_t* tasks;  /* null: all */
  size_t num_tasks;
  size_t top_k;           /* 0: as the file says */
  const char* kernel_set; /* null: the environment variable MMOE_KERNEL_SET, else the fastest */
  int32_t non_finite;
  float min_gate_weight;     /* skip experts of smaller weight; 0: none */
  int32_t keep_gate_weights; /* nonzero: do not divide what min_gate_weight leaves by its sum */
  int32_t ignore_environment; /* nonzero: MMOE_KERNEL_SET is not read */
  /* What a row may cost, else MMOE_LIMIT_EXCEEDED: <mmoe/plan.h> has the defaults. 0: default; UINT64_MAX: no limit. */
  uint64_t max_multiply_adds;
  uint64_t max_steps;
  uint64_t max_arena_bytes;
  uint64_t max_ids;
} mmoe_session_options;

/* options null: all defaults. One allocation of the arena and one of the handle. */
MMOE_API mmoe_status mmoe_session_create(const mmoe_model* model, const mmoe_session_options* options,
                                mmoe_session** session);

/* Bytes that mmoe_session_create_in() needs, handle included. */
MMOE_API mmoe_status mmoe_session_arena_bytes(const mmoe_model* model, const mmoe_session_options* options, size_t* bytes);

/* Creates a session in the caller's memory, at any address; allocates nothing. */
MMOE_API mmoe_status mmoe_session_create_in(const mmoe_model* model, const mmoe_session_options* options, void* arena,
                                   size_t arena_bytes, mmoe_session** session);

/* Null is allowed. Also for sessions in the caller's memory, which it leaves alone. */
MMOE_API void mmoe_session_free(mmoe_session* session);

/* Columns of the scores. */
MMOE_API size_t mmoe_session_num_tasks(const mmoe_session* session);

/* What one row costs: Plan::multiply_adds_per_row(). */
MMOE_API uint64_t mmoe_session_multiply_adds_per_row(mmoe_session* session);

/* x: [batch, input_dim] -> scores: [batch, num_tasks]. Allocates nothing. */
MMOE_API mmoe_status mmoe_session_score(mmoe_session* session, const float* x, size_t batch, float* scores);

/* One feature's raw values for all rows: values [batch, width] for a dense one (NaN: missing), ids [batch] for a
 * sparse one (-1: unknown), ids [batch, length] for a sequence (-2: no element). */
typedef struct mmoe_feature_column {
  const float* values;
  size_t num_values;
  const int32_t* ids;
  size_t num_ids;
} mmoe_feature_column;

/* One column per feature of the model, in the model's order. Allocates nothing. */
MMOE_API mmoe_status mmoe_session_score_features(mmoe_session* session, const mmoe_feature_column* columns,
                                        size_t num_columns, size_t batch, float* scores);

/* One user, many candidates: the user's share of every first layer is computed once. user: [user_dim], the columns of x
 * of user and context features; items: [num_candidates, candidate_dim], those of item features -> scores:
 * [num_candidates, num_tasks], the bits of whole rows. */
MMOE_API mmoe_status mmoe_session_set_user(mmoe_session* session, const float* user);
MMOE_API mmoe_status mmoe_session_score_candidates(mmoe_session* session, const float* items, size_t num_candidates,
                                          float* scores);

/* The same from raw features, with one column per feature of the model, as for mmoe_session_score_features(): one row of
 * user and context features, the other columns being ignored; num_candidates rows of item features, likewise. */
MMOE_API mmoe_status mmoe_session_set_user_features(mmoe_session* session, const mmoe_feature_column* columns,
                                           size_t num_columns);
MMOE_API mmoe_status mmoe_session_score_candidate_features(mmoe_session* session, const mmoe_feature_column* columns,
                                                  size_t num_columns, size_t num_candidates, float* scores);

/* ---------------------------------------------------------------------------------------- gates
 *
 *   size_t num_weights = mmoe_session_num_gate_weights(session);
 *   mmoe_session_write_gates(session, weights, num_weights);  // weights: [batch, num_weights], of you
 *   mmoe_session_score(session, x, batch, scores);            // fills both */

/* Softmax gates that the session's tasks need, by level and place in it, and the weights of all of them per row.
 * Constant gates are not among them. */
MMOE_API size_t mmoe_session_num_gates(mmoe_session* session);
MMOE_API size_t mmoe_session_num_gate_weights(mmoe_session* session);

typedef struct mmoe_gate_info {
  size_t struct_size;       /* set to sizeof(mmoe_gate_info) before the call */
  size_t level;             /* which of the model's levels, from 0 */
  size_t index;             /* which of the level's gates, from 0 */
  size_t column;            /* of its first weight */
  size_t num_experts;       /* weights per row */
  const uint32_t* experts;  /* [num_experts] their places in the level, in the order of the weights; the model's */
  const char* name;         /* UTF-8, name_size bytes, not terminated; may be null */
  size_t name_size;
  uint64_t tasks;           /* bit t: the tower of the model's task t depends on it, requested or not */
} mmoe_gate_info;

/* Fills *gate. MMOE_INVALID_ARGUMENT: no such gate. */
MMOE_API mmoe_status mmoe_session_gate(mmoe_session* session, size_t index, mmoe_gate_info* gate);

/* From now on all functions that score also write each row's gate weights, `stride` floats apart, as mixed: 0 of an
 * expert that the row does not select, NaN where the scores are for an input that is not finite. weights null: no
 * longer. Scores stay the same bits. MMOE_INVALID_ARGUMENT: stride is less than mmoe_session_num_gate_weights(). */
MMOE_API mmoe_status mmoe_session_write_gates(mmoe_session* session, float* weights, size_t stride);

/* ---------------------------------------------------------------------------------------- several cores
 *
 *   mmoe_thread_pool* pool;                                  // or an executor of yours
 *   mmoe_thread_pool_create(4, &pool);
 *   mmoe_session_create_parallel(model, &options, mmoe_thread_pool_executor(pool), 4, &session);
 *   mmoe_session_score(session, x, 1000, scores);
 *
 * All of the functions above take such a session, and give the bits and the errors that any other gives, for any
 * number of workers. Not in a build without threads. */

/* What runs the parts of a call. */
typedef struct mmoe_executor {
  /* Calls task(context, i) exactly once for every i < num_tasks, on any threads, at once or one after the other in
   * any order, and returns when all calls have returned and their writes are visible to its caller. num_tasks is at
   * most the session's num_workers. Tasks do not block or wait for each other. */
  void (*run)(void* state, size_t num_tasks, void (*task)(void* context, size_t index), void* context);
  void* state; /* passed to run; stays the caller's and must outlive the sessions that use it */
} mmoe_executor;

/* A session on which at most num_workers cores, 1 to 256, work at once; 1 never calls the executor. options->max_batch:
 * the large batch. One allocation of the memory of all workers and one of the handle. */
MMOE_API mmoe_status mmoe_session_create_parallel(const mmoe_model* model, const mmoe_session_options* options,
                                         mmoe_executor executor, size_t num_workers, mmoe_session** session);

/* Bytes that mmoe_session_create_parallel_in() needs, handle included. */
MMOE_API mmoe_status mmoe_session_parallel_arena_bytes(const mmoe_model* model, const mmoe_session_options* options,
                                              size_t num_workers, size_t* bytes);

/* The same in the caller's memory, at any address; allocates nothing. */
MMOE_API mmoe_status mmoe_session_create_parallel_in(const mmoe_model* model, const mmoe_session_options* options,
                                            mmoe_executor executor, size_t num_workers, void* arena,
                                            size_t arena_bytes, mmoe_session** session);

/* A ready executor on threads that sleep while there is nothing to do: the library mmoe::threads
 * (libmmoe_threads.a). One pool serves any number of sessions and models, which take turns. */
typedef struct mmoe_thread_pool mmoe_thread_pool;

/* num_threads, 1 to 256, counts the thread that calls, which works too. MMOE_OUT_OF_MEMORY: the system refuses a
 * thread. */
MMOE_API mmoe_status mmoe_thread_pool_create(size_t num_threads, mmoe_thread_pool** pool);

/* Valid as long as the pool. */
MMOE_API mmoe_executor mmoe_thread_pool_executor(const mmoe_thread_pool* pool);

/* Ends the threads; null is allowed. After the sessions that use it, or at least after their last call. */
MMOE_API void mmoe_thread_pool_free(mmoe_thread_pool* pool);

#ifdef __cplusplus
}
#endif

#endif /* MMOE_MMOE_H_ */
