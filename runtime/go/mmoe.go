// Package mmoe scores .mmoe models with the same bits as on the device, by cgo around the C interface.
//
//	model, err := mmoe.Map("ranker.mmoe") // verified, then used where it lies
//	session, err := model.NewSession(mmoe.Options{})
//	rows, err := model.NewRows(1, mmoe.Whole)
//	rows.SetNumber(0, "age", 39)
//	rows.SetText(0, "country", "AT")
//	err = session.ScoreRows(rows, scores) // the first error of the rows too
//
// A model is shared by all goroutines; a session, and rows, belong to one at a time. Close frees the memory, which is
// not Go's; sessions and rows may be closed after their model, and sessions after their pool of threads.
package mmoe

// #cgo CFLAGS: -I${SRCDIR}/../include
// #cgo LDFLAGS: -lmmoe_threads -lmmoe -lstdc++ -lm
// #include <mmoe/mmoe.h>
// #include <stdlib.h>
//
// static mmoe_status map_model(const char* path, mmoe_model** model) { return mmoe_model_map(path, NULL, model); }
//
// static mmoe_status copy_model(const void* data, size_t size, mmoe_model** model) {
//   mmoe_load_options options = {.struct_size = sizeof options, .copy_if_misaligned = 1, .copy = 1};
//   return mmoe_model_from_bytes(data, size, &options, model);
// }
//
// static mmoe_status make_rows(const mmoe_model* model, size_t max_rows, int32_t part, mmoe_rows** rows) {
//   mmoe_rows_options options = {.struct_size = sizeof options, .max_rows = max_rows, .part = part};
//   mmoe_status status = mmoe_rows_create(model, &options, rows);
//   return status != MMOE_OK ? status : mmoe_rows_clear(*rows, max_rows);
// }
//
// static mmoe_status set_values(mmoe_rows* rows, size_t row, const char* feature, int32_t type, const void* data,
//                               size_t size, const char* bytes, size_t num_bytes, int weights) {
//   mmoe_values values = {.data = data, .size = size, .bytes = bytes, .num_bytes = num_bytes, .type = type};
//   if (weights) return mmoe_rows_set_weights(rows, row, feature, &values);
//   return mmoe_rows_set_list(rows, row, feature, &values);
// }
//
// static mmoe_status make_session(const mmoe_model* model, size_t max_batch, const uint32_t* tasks, size_t num_tasks,
//                                 size_t top_k, float min_gate_weight, int32_t non_finite, const char* kernel_set,
//                                 const mmoe_thread_pool* pool, mmoe_session** session) {
//   mmoe_session_options options = {.struct_size = sizeof options, .max_batch = max_batch, .tasks = tasks,
//                                   .num_tasks = num_tasks, .top_k = top_k, .min_gate_weight = min_gate_weight,
//                                   .non_finite = non_finite, .kernel_set = kernel_set};
//   if (pool) {
//     options.executor = mmoe_thread_pool_executor(pool);
//     options.num_workers = mmoe_thread_pool_num_threads(pool);
//   }
//   return mmoe_session_create(model, &options, session);
// }
//
// static mmoe_status score(mmoe_session* session, const mmoe_rows* rows, size_t num_rows, const float* x, size_t num_x,
//                          int32_t candidates, float* scores, size_t num_scores, float* gates, size_t num_gates) {
//   mmoe_input input = {.struct_size = sizeof input, .num_rows = num_rows, .x = x, .num_x = num_x, .rows = rows,
//                       .candidates = candidates};
//   mmoe_output output = {.struct_size = sizeof output, .scores = scores, .num_scores = num_scores,
//                         .gate_weights = gates, .num_gate_weights = num_gates};
//   return mmoe_session_score(session, &input, &output);
// }
//
// static mmoe_status set_user(mmoe_session* session, const mmoe_rows* rows, const float* x, size_t num_x) {
//   mmoe_input user = {.struct_size = sizeof user, .num_rows = 1, .x = x, .num_x = num_x, .rows = rows};
//   return mmoe_session_set_user(session, &user);
// }
//
// static mmoe_status replay(mmoe_session* session, size_t* num_rows, size_t* num_wrong) {
//   mmoe_golden_report report = {.struct_size = sizeof report};
//   mmoe_status status = mmoe_session_replay_golden(session, NULL, 0, &report);
//   *num_rows = report.num_rows;
//   *num_wrong = report.num_wrong;
//   return status;
// }
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"
)

// Error is a call that failed, with the text of the runtime.
type Error struct {
	Status  int // as <mmoe/mmoe.h> numbers them
	Message string
}

func (e *Error) Error() string { return e.Message }

// ErrClosed is the error of every call on what is closed.
var ErrClosed = errors.New("mmoe: closed")

// call runs f on one thread, where the message of a failure is.
func call(f func() C.mmoe_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if status := f(); status != C.MMOE_OK {
		return &Error{int(status), C.GoString(C.mmoe_last_message())}
	}
	return nil
}

func pointerTo[T any](values []T) unsafe.Pointer {
	if len(values) == 0 {
		return nil
	}
	return unsafe.Pointer(&values[0])
}

func floats(values []float32) (*C.float, C.size_t) {
	return (*C.float)(pointerTo(values)), C.size_t(len(values))
}

// cName is a name whose null characters, where it would end in C, become one that no name has.
func cName(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

// withText calls f with a C copy of a name.
func withText(text string, f func(*C.char) C.mmoe_status) error {
	copied := C.CString(cName(text))
	defer C.free(unsafe.Pointer(copied))
	return call(func() C.mmoe_status { return f(copied) })
}

// Version is the runtime's: "0.1.0".
func Version() string { return C.GoString(C.mmoe_version()) }

// shared is memory that lives until its owner has closed it and nothing that was made of it uses it any more.
type shared struct {
	users  int32 // the owner while it is open, and what was made of it
	closed int32
	free   func()
}

func (s *shared) retain() error {
	for atomic.LoadInt32(&s.closed) == 0 {
		users := atomic.LoadInt32(&s.users)
		if users == 0 {
			break // it is being freed, and only once
		}
		if atomic.CompareAndSwapInt32(&s.users, users, users+1) {
			return nil
		}
	}
	return ErrClosed
}

func (s *shared) release() {
	if atomic.AddInt32(&s.users, -1) == 0 {
		s.free()
	}
}

func (s *shared) close() {
	if atomic.SwapInt32(&s.closed, 1) == 0 {
		s.release()
	}
}

// Model is a model file.
type Model struct {
	Name, Architecture              string
	Tasks                           []string  // names, in the order of the scores
	Features                        []Feature // in the order of the model's description; none when it takes x alone
	InputDim, UserDim, CandidateDim int       // columns of x, and of its parts: 0 where the model does not tell users

	shared
	handle *C.mmoe_model
}

func open(load func(**C.mmoe_model) error) (*Model, error) {
	m := &Model{}
	m.shared = shared{users: 1, free: func() {
		C.mmoe_model_free(m.handle)
		m.handle = nil
	}}
	var handle *C.mmoe_model // C takes no pointer into an object that has others
	if err := load(&handle); err != nil {
		return nil, err
	}
	m.handle = handle
	var size C.size_t
	name := C.mmoe_model_name(m.handle, &size)
	m.Name = C.GoStringN(name, C.int(size))
	architecture := C.mmoe_model_architecture(m.handle, &size)
	m.Architecture = C.GoStringN(architecture, C.int(size))
	for i := C.size_t(0); i < C.mmoe_model_num_tasks(m.handle); i++ {
		task := C.mmoe_model_task_name(m.handle, i, &size)
		m.Tasks = append(m.Tasks, C.GoStringN(task, C.int(size)))
	}
	for i := C.size_t(0); i < C.mmoe_model_num_features(m.handle); i++ {
		m.Features = append(m.Features, feature(m.handle, i))
	}
	m.InputDim = int(C.mmoe_model_input_dim(m.handle))
	m.UserDim = int(C.mmoe_model_user_dim(m.handle))
	m.CandidateDim = int(C.mmoe_model_candidate_dim(m.handle))
	return m, nil
}

// Map maps a file, which must not be written to in place meanwhile: replace it by renaming.
func Map(path string) (*Model, error) {
	return open(func(model **C.mmoe_model) error {
		return withText(path, func(name *C.char) C.mmoe_status { return C.map_model(name, model) })
	})
}

// FromBytes copies a whole file's bytes.
func FromBytes(bytes []byte) (*Model, error) {
	return open(func(model **C.mmoe_model) error {
		return call(func() C.mmoe_status { return C.copy_model(pointerTo(bytes), C.size_t(len(bytes)), model) })
	})
}

// Close frees the model when what was made of it is closed too.
func (m *Model) Close() { m.close() }

// Feature is what a model reads of a row; <mmoe/mmoe.h> says more of each field.
type Feature struct {
	Name, Source, Weights         string
	Column, Width, Length, Values int
	Kind, Side                    int // MMOE_DENSE, ...; MMOE_CONTEXT, ...
}

func feature(model *C.mmoe_model, index C.size_t) Feature {
	var info C.mmoe_feature_info
	info.struct_size = C.size_t(unsafe.Sizeof(info))
	C.mmoe_model_feature(model, index, &info)
	return Feature{
		C.GoStringN(info.name, C.int(info.name_size)), C.GoStringN(info.source, C.int(info.source_size)),
		C.GoStringN(info.weights, C.int(info.weights_size)),
		int(info.column), int(info.width), int(info.length), int(info.num_values), int(info.kind), int(info.side),
	}
}

// Category is one that a vocabulary lists.
type Category struct {
	Text       string // of a vocabulary of texts
	Integer    int64  // of a vocabulary of integers
	IsUnsigned bool   // Integer is the bits of an unsigned one
	ID         int    // -1: the file is damaged there
}

// NumCategories says how many categories the vocabulary of a feature lists, for a menu: 0 of numbers, and where ids are
// computed: buckets of a hash, bins, parts of a date.
func (m *Model) NumCategories(feature int) (int, error) {
	if err := m.retain(); err != nil {
		return 0, err
	}
	defer m.release()
	return int(C.mmoe_model_num_categories(m.handle, C.size_t(feature))), nil // a negative one is none that it has
}

// Category gives one of them; their order means nothing: sort them by ID.
func (m *Model) Category(feature, place int) (Category, error) {
	if feature < 0 || place < 0 {
		return Category{}, &Error{C.MMOE_INVALID_ARGUMENT, "feature and place: expected 0 or more"}
	}
	if err := m.retain(); err != nil {
		return Category{}, err
	}
	defer m.release()
	var found C.mmoe_category
	found.struct_size = C.size_t(unsafe.Sizeof(found))
	err := call(func() C.mmoe_status {
		return C.mmoe_model_category(m.handle, C.size_t(feature), C.size_t(place), &found)
	})
	if err != nil {
		return Category{}, err
	}
	text := C.GoStringN(found.text, C.int(found.text_size))
	return Category{text, int64(found.integer), found.is_unsigned != 0, int(found.id)}, nil
}

// VerifyChecksums compares every byte with its checksum.
func (m *Model) VerifyChecksums() error {
	if err := m.retain(); err != nil {
		return err
	}
	defer m.release()
	return call(func() C.mmoe_status { return C.mmoe_model_verify_checksums(m.handle) })
}

// ThreadPool lets sessions use several cores.
type ThreadPool struct {
	shared
	handle *C.mmoe_thread_pool
}

// NewThreadPool makes numThreads, 1 to 256, the calling thread included, which works too.
func NewThreadPool(numThreads int) (*ThreadPool, error) {
	pool := &ThreadPool{}
	pool.shared = shared{users: 1, free: func() {
		C.mmoe_thread_pool_free(pool.handle)
		pool.handle = nil
	}}
	if numThreads < 0 {
		numThreads = 0
	}
	if err := call(func() C.mmoe_status {
		return C.mmoe_thread_pool_create(C.size_t(numThreads), &pool.handle)
	}); err != nil {
		return nil, err
	}
	return pool, nil
}

// Close ends the threads when the last session that uses them is closed too.
func (p *ThreadPool) Close() { p.close() }

// Options say how a session scores. All zero: the defaults.
type Options struct {
	MaxBatch        int         // the largest number of rows that are usually scored at once
	Tasks           []uint32    // indices in the model, in the order of the scores' columns; nil: all
	TopK            int         // keep the largest weights of every gate
	MinGateWeight   float32     // skip experts of smaller weight
	RefuseNonFinite bool        // rows with inputs that are NaN or infinite are an error
	KernelSet       string      // as "avx2"; empty: the fastest
	Threads         *ThreadPool // nil: the calling thread alone
}

// Session scores rows: x is [rows, InputDim], scores are [rows, NumScores], row after row.
type Session struct {
	NumScores      int    // columns of the scores
	NumGateWeights int    // weights of a row's gates
	KernelSet      string // in use

	handle *C.mmoe_session
	model  *Model
	pool   *ThreadPool
}

// NewSession allocates what scoring needs.
func (m *Model) NewSession(options Options) (*Session, error) {
	if options.MaxBatch < 0 || options.TopK < 0 {
		return nil, &Error{C.MMOE_INVALID_ARGUMENT, "MaxBatch and TopK: expected 0 or more"}
	}
	if err := m.retain(); err != nil {
		return nil, err
	}
	session := &Session{model: m, pool: options.Threads}
	var tasks *C.uint32_t
	if len(options.Tasks) > 0 {
		tasks = (*C.uint32_t)(pointerTo(options.Tasks))
	}
	var kernelSet *C.char
	if options.KernelSet != "" {
		kernelSet = C.CString(cName(options.KernelSet))
		defer C.free(unsafe.Pointer(kernelSet))
	}
	var nonFinite C.int32_t
	if options.RefuseNonFinite {
		nonFinite = C.MMOE_NON_FINITE_IS_ERROR
	}
	var pool *C.mmoe_thread_pool
	if session.pool != nil {
		if err := session.pool.retain(); err != nil {
			m.release()
			return nil, err
		}
		pool = session.pool.handle
	}
	err := call(func() C.mmoe_status {
		return C.make_session(m.handle, C.size_t(options.MaxBatch), tasks, C.size_t(len(options.Tasks)),
			C.size_t(options.TopK), C.float(options.MinGateWeight), nonFinite, kernelSet, pool, &session.handle)
	})
	if err != nil {
		session.release()
		return nil, err
	}
	session.NumScores = int(C.mmoe_session_num_tasks(session.handle))
	session.NumGateWeights = int(C.mmoe_session_num_gate_weights(session.handle))
	session.KernelSet = C.GoString(C.mmoe_session_kernel_set(session.handle))
	return session, nil
}

func (s *Session) release() {
	if s.pool != nil {
		s.pool.release()
	}
	s.model.release()
}

// Close frees the session's memory.
func (s *Session) Close() {
	if s.handle != nil {
		C.mmoe_session_free(s.handle)
		s.handle = nil
		s.release()
	}
}

func (s *Session) run(rows *C.mmoe_rows, x []float32, columns int, candidates C.int32_t,
	scores, gates []float32) error {
	if s.handle == nil {
		return ErrClosed
	}
	numRows := 1 // without columns there is nothing to count, and the runtime says what is wrong
	if columns > 0 {
		numRows = len(x) / columns
	}
	values, numX := floats(x)
	to, numScores := floats(scores)
	gateWeights, numGates := floats(gates)
	return call(func() C.mmoe_status {
		return C.score(s.handle, rows, C.size_t(numRows), values, numX, candidates, to, numScores, gateWeights, numGates)
	})
}

// Score scores as many rows as x has.
func (s *Session) Score(x, scores []float32) error {
	return s.run(nil, x, s.model.InputDim, 0, scores, nil)
}

// ScoreWithGates also gives the weights of the gates: [rows, NumGateWeights].
func (s *Session) ScoreWithGates(x, scores, gates []float32) error {
	return s.run(nil, x, s.model.InputDim, 0, scores, gates)
}

// ScoreRows scores whole rows, or candidates, as rows was made.
func (s *Session) ScoreRows(rows *Rows, scores []float32) error {
	if err := rows.check(); err != nil {
		return err
	}
	return s.run(rows.handle, nil, 0, 0, scores, nil)
}

// ScoreCandidates scores candidates of the user: [rows, CandidateDim], with the bits of whole rows.
func (s *Session) ScoreCandidates(x, scores []float32) error {
	return s.run(nil, x, s.model.CandidateDim, 1, scores, nil)
}

// SetUser takes a user: UserDim columns, whose share of the first layers is computed once.
func (s *Session) SetUser(x []float32) error {
	if s.handle == nil {
		return ErrClosed
	}
	values, numX := floats(x)
	return call(func() C.mmoe_status { return C.set_user(s.handle, nil, values, numX) })
}

// SetUserRows is the same by name: one row, made for User.
func (s *Session) SetUserRows(row *Rows) error {
	if s.handle == nil {
		return ErrClosed
	}
	if err := row.check(); err != nil {
		return err
	}
	return call(func() C.mmoe_status { return C.set_user(s.handle, row.handle, nil, 0) })
}

// ReplayGolden scores the rows whose scores the file has: how many, and how many scores are wrong.
func (s *Session) ReplayGolden() (numRows, numWrong int, err error) {
	if s.handle == nil {
		return 0, 0, ErrClosed
	}
	var rows, wrong C.size_t
	err = call(func() C.mmoe_status { return C.replay(s.handle, &rows, &wrong) })
	return int(rows), int(wrong), err
}

// Part says which features rows have.
type Part int32

// All features; those of the user and the context; those of the item.
const (
	Whole     Part = C.MMOE_WHOLE
	User      Part = C.MMOE_USER_PART
	Candidate Part = C.MMOE_CANDIDATE_PART
)

// Rows are raw values by the names of features. What is not set is missing: the feature's rule says what becomes of it.
// The first error is returned, and stays until Clear: scoring returns it again.
type Rows struct {
	handle  *C.mmoe_rows
	model   *Model
	refused error // an error of this package, which stays like those of the runtime
}

// NewRows makes a builder of maxRows rows.
func (m *Model) NewRows(maxRows int, part Part) (*Rows, error) {
	if maxRows < 1 {
		return nil, &Error{C.MMOE_INVALID_ARGUMENT, "maxRows: expected 1 or more"}
	}
	if err := m.retain(); err != nil {
		return nil, err
	}
	rows := &Rows{model: m}
	err := call(func() C.mmoe_status {
		return C.make_rows(m.handle, C.size_t(maxRows), C.int32_t(part), &rows.handle)
	})
	if err != nil {
		C.mmoe_rows_free(rows.handle)
		m.release()
		return nil, err
	}
	return rows, nil
}

// Close frees the rows' memory.
func (r *Rows) Close() {
	if r.handle != nil {
		C.mmoe_rows_free(r.handle)
		r.handle = nil
		r.model.release()
	}
}

// Clear begins numRows rows with nothing set, and no error.
func (r *Rows) Clear(numRows int) error {
	if r.handle == nil {
		return ErrClosed
	}
	r.refused = nil
	if numRows < 0 {
		return r.refuse(fmt.Sprintf("clear: %d rows, expected 0 or more", numRows))
	}
	return call(func() C.mmoe_status { return C.mmoe_rows_clear(r.handle, C.size_t(numRows)) })
}

func (r *Rows) check() error {
	if r.handle == nil {
		return ErrClosed
	}
	return r.refused
}

// refuse makes an error that stays, unless there is one already.
func (r *Rows) refuse(message string) error {
	if err := call(func() C.mmoe_status { return C.mmoe_rows_status(r.handle) }); err != nil {
		return err
	}
	r.refused = &Error{C.MMOE_INVALID_ARGUMENT, message}
	return r.refused
}

func (r *Rows) set(row int, feature string, f func(*C.char) C.mmoe_status) error {
	if err := r.check(); err != nil {
		return err
	}
	if row < 0 {
		return r.refuse(fmt.Sprintf("feature %q, row %d: expected 0 or more", feature, row))
	}
	return withText(feature, f)
}

// SetMissing says that there is no value.
func (r *Rows) SetMissing(row int, feature string) error {
	return r.set(row, feature, func(name *C.char) C.mmoe_status {
		return C.mmoe_rows_set_missing(r.handle, C.size_t(row), name)
	})
}

// SetNumber sets a number.
func (r *Rows) SetNumber(row int, feature string, number float64) error {
	return r.set(row, feature, func(name *C.char) C.mmoe_status {
		return C.mmoe_rows_set_number(r.handle, C.size_t(row), name, C.double(number))
	})
}

// SetInteger sets a category that is an integer, or a number.
func (r *Rows) SetInteger(row int, feature string, integer int64) error {
	return r.set(row, feature, func(name *C.char) C.mmoe_status {
		return C.mmoe_rows_set_integer(r.handle, C.size_t(row), name, C.int64_t(integer))
	})
}

// SetText sets a category that is a text.
func (r *Rows) SetText(row int, feature string, text string) error {
	value := C.CString(text)
	defer C.free(unsafe.Pointer(value))
	return r.set(row, feature, func(name *C.char) C.mmoe_status {
		return C.mmoe_rows_set_text_n(r.handle, C.size_t(row), name, value, C.size_t(len(text)))
	})
}

func (r *Rows) setValues(row int, feature string, kind C.int32_t, data unsafe.Pointer, size int, bytes []byte,
	weights C.int) error {
	texts := (*C.char)(pointerTo(bytes))
	return r.set(row, feature, func(name *C.char) C.mmoe_status {
		return C.set_values(r.handle, C.size_t(row), name, kind, data, C.size_t(size), texts, C.size_t(len(bytes)), weights)
	})
}

// SetNumbers sets the numbers of a dense feature that is wider than 1.
func (r *Rows) SetNumbers(row int, feature string, numbers []float64) error {
	return r.setValues(row, feature, C.MMOE_DOUBLES, pointerTo(numbers), len(numbers), nil, 0)
}

// SetIntegers sets a sequence's elements.
func (r *Rows) SetIntegers(row int, feature string, integers []int64) error {
	return r.setValues(row, feature, C.MMOE_INT64S, pointerTo(integers), len(integers), nil, 0)
}

// SetTexts sets a sequence's elements, or the values of a cross.
func (r *Rows) SetTexts(row int, feature string, texts []string) error {
	var size int64 // a sum of lengths of texts that exist: it fits
	for _, text := range texts {
		size += int64(len(text))
	}
	if size > math.MaxInt32 {
		if err := r.check(); err != nil {
			return err
		}
		return r.refuse(fmt.Sprintf("feature %q, row %d: texts of more than 2 GiB", feature, row))
	}
	var bytes []byte
	offsets := []int32{0}
	for _, text := range texts {
		bytes = append(bytes, text...)
		offsets = append(offsets, int32(len(bytes)))
	}
	return r.setValues(row, feature, C.MMOE_PACKED_TEXTS, pointerTo(offsets), len(texts), bytes, 0)
}

// SetWeights sets the weights of a sequence's elements.
func (r *Rows) SetWeights(row int, feature string, weights []float64) error {
	return r.setValues(row, feature, C.MMOE_DOUBLES, pointerTo(weights), len(weights), nil, 1)
}
