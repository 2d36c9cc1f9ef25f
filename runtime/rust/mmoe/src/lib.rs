//! Scores `.mmoe` models with the same bits as on the device.
//!
//! ```no_run
//! # fn main() -> Result<(), mmoe::Error> {
//! let model = mmoe::Model::map("ranker.mmoe")?; // verified, then used where it lies
//! let mut session = model.session(&mmoe::Options::default())?; // the only allocations are here
//! let mut rows = model.rows(1, mmoe::Part::Whole)?;
//! rows.set(0, "age", 39.0)?;
//! rows.set(0, "country", "AT")?;
//! let mut scores = [0.0; 2];
//! session.score_rows(&rows, &mut scores)?;
//! # Ok(())
//! # }
//! ```
//!
//! A model is shared by all threads; a session, and a row builder, belong to one at a time. Each keeps what it uses, so
//! that they may be dropped in any order.

use std::ffi::{c_void, CStr, CString};
use std::mem::size_of;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::{fmt, slice};

use mmoe_sys as sys;

mod rows;
pub use rows::{Part, Rows, Value, Values};

/// A call that failed, with the text of the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// As `enum MMOE_OK, ...` of `<mmoe/mmoe.h>` numbers them.
    pub status: i32,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    fn invalid(message: &str) -> Error {
        Error { status: sys::MMOE_INVALID_ARGUMENT, message: message.into() }
    }
}

fn check(status: sys::mmoe_status) -> Result<(), Error> {
    if status == sys::MMOE_OK {
        return Ok(());
    }
    let message = unsafe { CStr::from_ptr(sys::mmoe_last_message()) };
    Err(Error { status, message: message.to_string_lossy().into_owned() })
}

fn c_text(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::invalid("a name has a null character"))
}

/// A feature's name. A null character, where it would end in C, becomes one that no name has, so that the runtime
/// refuses it like any other that the model does not have.
fn feature_text(name: &str) -> CString {
    CString::new(name.replace('\0', "\u{FFFD}")).unwrap_or_default()
}

unsafe fn text_of(data: *const sys::c_char, size: usize) -> String {
    if data.is_null() {
        return String::new();
    }
    String::from_utf8_lossy(slice::from_raw_parts(data.cast(), size)).into_owned()
}

/// The runtime's: "0.1.0".
pub fn version() -> &'static str {
    unsafe { CStr::from_ptr(sys::mmoe_version()) }.to_str().unwrap_or("")
}

struct ModelHandle(*mut sys::mmoe_model);

unsafe impl Send for ModelHandle {}
unsafe impl Sync for ModelHandle {} // functions of a model read it, and nothing changes it

impl Drop for ModelHandle {
    fn drop(&mut self) {
        unsafe { sys::mmoe_model_free(self.0) }
    }
}

/// What a feature reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Dense,
    Sparse,
    Sequence,
}

/// Context and user features are the same for all candidates of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Context,
    User,
    Item,
}

/// A feature of a model; `<mmoe/mmoe.h>` says more of each field (`mmoe_feature_info`).
#[derive(Debug, Clone)]
pub struct Feature {
    pub name: String,
    pub source: String,
    pub weights: String,
    pub column: usize,
    pub width: usize,
    pub length: usize,
    pub num_values: usize,
    pub kind: Kind,
    pub side: Side,
    pub string_values: bool,
    pub hashed: bool,
}

/// What a vocabulary lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Listed {
    Text(String),
    Integer(i64),
    Unsigned(u64),
}

/// A category of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub value: Listed,
    /// As [`Model::find_text`] finds it; `None`: the file is damaged there.
    pub id: Option<u32>,
}

/// A model file. Clones share it.
#[derive(Clone)]
pub struct Model {
    handle: Arc<ModelHandle>,
}

fn load_options(verify_checksums: bool, copy: bool) -> sys::mmoe_load_options {
    sys::mmoe_load_options {
        struct_size: size_of::<sys::mmoe_load_options>(),
        no_verify_header: 0,
        verify_checksums: verify_checksums.into(),
        copy_if_misaligned: 1,
        copy: copy.into(),
    }
}

impl Model {
    fn of(load: impl FnOnce(*mut *mut sys::mmoe_model) -> sys::mmoe_status) -> Result<Model, Error> {
        let mut model = null_mut();
        check(load(&mut model))?;
        Ok(Model { handle: Arc::new(ModelHandle(model)) })
    }

    /// Maps a file, which must not be written to in place meanwhile: replace it by renaming.
    pub fn map(path: impl AsRef<Path>) -> Result<Model, Error> {
        let path = path.as_ref().to_str().ok_or_else(|| Error::invalid("the path is not UTF-8"))?;
        let path = c_text(path)?;
        let options = load_options(false, false);
        Model::of(|model| unsafe { sys::mmoe_model_map(path.as_ptr(), &options, model) })
    }

    /// A copy of a whole file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, Error> {
        let options = load_options(false, true);
        Model::of(|model| unsafe { sys::mmoe_model_from_bytes(bytes.as_ptr().cast(), bytes.len(), &options, model) })
    }

    /// Bytes as `include_bytes!` has them, used where they lie if they begin at a multiple of 64.
    pub fn from_static(bytes: &'static [u8]) -> Result<Model, Error> {
        let options = load_options(false, false);
        Model::of(|model| unsafe { sys::mmoe_model_from_bytes(bytes.as_ptr().cast(), bytes.len(), &options, model) })
    }

    fn ptr(&self) -> *const sys::mmoe_model {
        self.handle.0
    }

    pub fn name(&self) -> String {
        let mut size = 0;
        unsafe { text_of(sys::mmoe_model_name(self.ptr(), &mut size), size) }
    }

    /// As "MMoE".
    pub fn architecture(&self) -> String {
        let mut size = 0;
        unsafe { text_of(sys::mmoe_model_architecture(self.ptr(), &mut size), size) }
    }

    /// Names, in the order of the scores.
    pub fn tasks(&self) -> Vec<String> {
        let name = |task| {
            let mut size = 0;
            unsafe { text_of(sys::mmoe_model_task_name(self.ptr(), task, &mut size), size) }
        };
        (0..unsafe { sys::mmoe_model_num_tasks(self.ptr()) }).map(name).collect()
    }

    /// Columns of x.
    pub fn input_dim(&self) -> usize {
        unsafe { sys::mmoe_model_input_dim(self.ptr()) }
    }

    /// Columns of a user's part of x, 0 where the model does not tell users from candidates.
    pub fn user_dim(&self) -> usize {
        unsafe { sys::mmoe_model_user_dim(self.ptr()) }
    }

    /// Columns of a candidate's part of x.
    pub fn candidate_dim(&self) -> usize {
        unsafe { sys::mmoe_model_candidate_dim(self.ptr()) }
    }

    /// Of the whole file.
    pub fn size_bytes(&self) -> usize {
        unsafe { sys::mmoe_model_size_bytes(self.ptr()) }
    }

    /// In the order of the model's description; empty when it takes x alone.
    pub fn features(&self) -> Vec<Feature> {
        (0..unsafe { sys::mmoe_model_num_features(self.ptr()) }).map(|index| self.feature(index)).collect()
    }

    fn feature(&self, index: usize) -> Feature {
        // SAFETY: all its fields are numbers and pointers, for which zeros are good; the index is one of a feature.
        let mut info: sys::mmoe_feature_info = unsafe { std::mem::zeroed() };
        info.struct_size = size_of::<sys::mmoe_feature_info>();
        unsafe { sys::mmoe_model_feature(self.ptr(), index, &mut info) };
        Feature {
            name: unsafe { text_of(info.name, info.name_size) },
            source: unsafe { text_of(info.source, info.source_size) },
            weights: unsafe { text_of(info.weights, info.weights_size) },
            column: info.column,
            width: info.width,
            length: info.length,
            num_values: info.num_values,
            kind: [Kind::Dense, Kind::Sparse, Kind::Sequence][info.kind as usize],
            side: [Side::Context, Side::User, Side::Item][info.side as usize],
            string_values: info.string_values != 0,
            hashed: info.hashed != 0,
        }
    }

    /// Id of a category of the feature with this index; `None` where the vocabulary does not hold it.
    pub fn find_text(&self, feature: usize, text: &str) -> Result<Option<u32>, Error> {
        let mut id = -1;
        check(unsafe { sys::mmoe_model_find_id_text(self.ptr(), feature, text.as_ptr().cast(), text.len(), &mut id) })?;
        Ok(u32::try_from(id).ok())
    }

    /// The same of an integer.
    pub fn find_integer(&self, feature: usize, value: i64) -> Result<Option<u32>, Error> {
        let mut id = -1;
        check(unsafe { sys::mmoe_model_find_id_integer(self.ptr(), feature, value, &mut id) })?;
        Ok(u32::try_from(id).ok())
    }

    /// How many categories the vocabulary of the feature with this index lists, for a menu; 0 of numbers, and where ids
    /// are computed: buckets of a hash, bins, parts of a date.
    pub fn num_categories(&self, feature: usize) -> usize {
        unsafe { sys::mmoe_model_num_categories(self.ptr(), feature) }
    }

    /// One of them; their order means nothing: sort them by id.
    pub fn category(&self, feature: usize, place: usize) -> Result<Category, Error> {
        // SAFETY: as in feature().
        let mut found: sys::mmoe_category = unsafe { std::mem::zeroed() };
        found.struct_size = size_of::<sys::mmoe_category>();
        check(unsafe { sys::mmoe_model_category(self.ptr(), feature, place, &mut found) })?;
        let value = if !found.text.is_null() {
            Listed::Text(unsafe { text_of(found.text, found.text_size) })
        } else if found.is_unsigned != 0 {
            Listed::Unsigned(found.integer as u64)
        } else {
            Listed::Integer(found.integer)
        };
        Ok(Category { value, id: u32::try_from(found.id).ok() })
    }

    /// Compares every byte with its checksum.
    pub fn verify_checksums(&self) -> Result<(), Error> {
        check(unsafe { sys::mmoe_model_verify_checksums(self.ptr()) })
    }

    pub fn session(&self, options: &Options) -> Result<Session, Error> {
        Session::new(self, options)
    }

    /// A builder of up to `max_rows` rows by name.
    pub fn rows(&self, max_rows: usize, part: Part) -> Result<Rows, Error> {
        Rows::new(self, max_rows, part)
    }
}

struct PoolHandle(*mut sys::mmoe_thread_pool);

unsafe impl Send for PoolHandle {}
unsafe impl Sync for PoolHandle {} // sessions take turns

impl Drop for PoolHandle {
    fn drop(&mut self) {
        unsafe { sys::mmoe_thread_pool_free(self.0) }
    }
}

/// Threads that sleep while there is nothing to do. Clones share them.
#[derive(Clone)]
pub struct ThreadPool(Arc<PoolHandle>);

impl ThreadPool {
    /// `num_threads`, 1 to 256, counts the thread that calls, which works too.
    pub fn new(num_threads: usize) -> Result<ThreadPool, Error> {
        let mut pool = null_mut();
        check(unsafe { sys::mmoe_thread_pool_create(num_threads, &mut pool) })?;
        Ok(ThreadPool(Arc::new(PoolHandle(pool))))
    }
}

/// How a session scores.
#[derive(Clone, Default)]
pub struct Options {
    /// The largest number of rows that are usually scored at once; 0: 1.
    pub max_batch: usize,
    /// Indices in the model, in the order of the scores' columns; empty: all.
    pub tasks: Vec<u32>,
    /// Keep the largest weights of every gate; 0: as the file says.
    pub top_k: usize,
    /// Skip experts of smaller weight, and divide what is left by its sum; 0: none.
    pub min_gate_weight: f32,
    /// As "avx2"; `None`: the fastest that the machine has.
    pub kernel_set: Option<String>,
    pub threads: Option<ThreadPool>,
    /// Rows with inputs that are NaN or infinite are an error.
    pub refuse_non_finite: bool,
}

/// A gate with computed weights (`mmoe_gate_info`).
#[derive(Debug, Clone)]
pub struct Gate {
    pub name: String,
    pub level: usize,
    pub index: usize,
    /// Of its first weight among a row's.
    pub column: usize,
    /// Their places in the level, in the order of the weights.
    pub experts: Vec<u32>,
    /// Bit t: the tower of the model's task t depends on it.
    pub tasks: u64,
}

/// What came of scoring the rows whose scores the file has.
#[derive(Debug, Clone, Copy)]
pub struct GoldenReport {
    pub num_rows: usize,
    pub num_scores: usize,
    /// 0: all is well.
    pub num_wrong: usize,
    pub largest_difference: f64,
    /// The same bits were asked for.
    pub exact: bool,
}

/// Scores rows. x is [rows, `input_dim()`], scores are [rows, `num_scores()`], row after row.
pub struct Session {
    session: *mut sys::mmoe_session,
    model: Model,
    _threads: Option<ThreadPool>,
}

unsafe impl Send for Session {}

impl Drop for Session {
    fn drop(&mut self) {
        unsafe { sys::mmoe_session_free(self.session) }
    }
}

fn input() -> sys::mmoe_input {
    sys::mmoe_input {
        struct_size: size_of::<sys::mmoe_input>(),
        num_rows: 0,
        x: null(),
        num_x: 0,
        x_stride: 0,
        columns: sys::mmoe_columns { columns: null(), num_columns: 0, library: None },
        rows: null(),
        candidates: 0,
        reserved: 0,
    }
}

fn input_of(x: &[f32], columns: usize) -> sys::mmoe_input {
    // Without columns there is nothing to count, and the runtime says what is wrong.
    let num_rows = if columns == 0 { 1 } else { x.len() / columns };
    sys::mmoe_input { num_rows, x: x.as_ptr(), num_x: x.len(), ..input() }
}

impl Session {
    fn new(model: &Model, options: &Options) -> Result<Session, Error> {
        let kernel_set = options.kernel_set.as_deref().map(c_text).transpose()?;
        let mut executor = sys::mmoe_executor { run: None, state: null_mut::<c_void>(), library: None };
        let mut num_workers = 1;
        if let Some(pool) = &options.threads {
            executor = unsafe { sys::mmoe_thread_pool_executor(pool.0 .0) };
            num_workers = unsafe { sys::mmoe_thread_pool_num_threads(pool.0 .0) };
        }
        let raw = sys::mmoe_session_options {
            struct_size: size_of::<sys::mmoe_session_options>(),
            max_batch: options.max_batch,
            tasks: if options.tasks.is_empty() { null() } else { options.tasks.as_ptr() },
            num_tasks: options.tasks.len(),
            top_k: options.top_k,
            kernel_set: kernel_set.as_ref().map_or(null(), |text| text.as_ptr()),
            executor,
            num_workers,
            min_gate_weight: options.min_gate_weight,
            no_renormalise: 0,
            skip_experts: 0,
            non_finite: options.refuse_non_finite.into(),
            no_allow_environment: 0,
            reserved: 0,
            max_multiply_adds: 0,
            max_steps: 0,
            max_arena_bytes: 0,
            max_ids: 0,
        };
        let mut session = null_mut();
        check(unsafe { sys::mmoe_session_create(model.ptr(), &raw, &mut session) })?;
        Ok(Session { session, model: model.clone(), _threads: options.threads.clone() })
    }

    /// Columns of the scores.
    pub fn num_scores(&self) -> usize {
        unsafe { sys::mmoe_session_num_tasks(self.session) }
    }

    /// The index in the model of the task in a column of the scores.
    pub fn task(&self, column: usize) -> Option<usize> {
        let task = unsafe { sys::mmoe_session_task(self.session, column) };
        (task != usize::MAX).then_some(task)
    }

    pub fn kernel_set(&self) -> &str {
        unsafe { CStr::from_ptr(sys::mmoe_session_kernel_set(self.session)) }.to_str().unwrap_or("")
    }

    /// Whether scores are the same bits as on every other kernel set of which this is true.
    pub fn is_exact(&self) -> bool {
        unsafe { sys::mmoe_session_is_exact(self.session) != 0 }
    }

    /// Weights of a row's gates, of all [`Session::gates`].
    pub fn num_gate_weights(&self) -> usize {
        unsafe { sys::mmoe_session_num_gate_weights(self.session) }
    }

    pub fn num_logits(&self) -> usize {
        unsafe { sys::mmoe_session_num_logits(self.session) }
    }

    pub fn gates(&self) -> Vec<Gate> {
        (0..unsafe { sys::mmoe_session_num_gates(self.session) }).map(|index| self.gate(index)).collect()
    }

    fn gate(&self, index: usize) -> Gate {
        // SAFETY: as in Model::feature().
        let mut info: sys::mmoe_gate_info = unsafe { std::mem::zeroed() };
        info.struct_size = size_of::<sys::mmoe_gate_info>();
        unsafe { sys::mmoe_session_gate(self.session, index, &mut info) };
        Gate {
            name: unsafe { text_of(info.name, info.name_size) },
            level: info.level,
            index: info.index,
            column: info.column,
            experts: unsafe { slice::from_raw_parts(info.experts, info.num_experts) }.to_vec(),
            tasks: info.tasks,
        }
    }

    fn run(
        &mut self,
        input: &sys::mmoe_input,
        scores: &mut [f32],
        gates: Option<&mut [f32]>,
        logits: Option<&mut [f32]>,
    ) -> Result<(), Error> {
        let (gate_weights, num_gate_weights) = gates.map_or((null_mut(), 0), |to| (to.as_mut_ptr(), to.len()));
        let (logits, num_logits) = logits.map_or((null_mut(), 0), |to| (to.as_mut_ptr(), to.len()));
        let output = sys::mmoe_output {
            struct_size: size_of::<sys::mmoe_output>(),
            scores: scores.as_mut_ptr(),
            num_scores: scores.len(),
            scores_stride: 0,
            gate_weights,
            num_gate_weights,
            gate_weights_stride: 0,
            logits,
            num_logits,
            logits_stride: 0,
        };
        check(unsafe { sys::mmoe_session_score(self.session, input, &output) })
    }

    /// As many rows as `x` has. Allocates nothing.
    pub fn score(&mut self, x: &[f32], scores: &mut [f32]) -> Result<(), Error> {
        self.score_all(x, scores, None, None)
    }

    /// The same, with the weights of the gates and what the towers give.
    pub fn score_all(
        &mut self,
        x: &[f32],
        scores: &mut [f32],
        gate_weights: Option<&mut [f32]>,
        logits: Option<&mut [f32]>,
    ) -> Result<(), Error> {
        self.run(&input_of(x, self.model.input_dim()), scores, gate_weights, logits)
    }

    /// Whole rows, or candidates, as `rows` was made.
    pub fn score_rows(&mut self, rows: &Rows, scores: &mut [f32]) -> Result<(), Error> {
        rows.check()?;
        self.run(&sys::mmoe_input { rows: rows.ptr(), ..input() }, scores, None, None)
    }

    /// Takes a user: [`user_dim()`](Model::user_dim) columns, whose share of the first layers is computed once.
    pub fn set_user(&mut self, x: &[f32]) -> Result<(), Error> {
        let user = sys::mmoe_input { num_rows: 1, x: x.as_ptr(), num_x: x.len(), ..input() };
        check(unsafe { sys::mmoe_session_set_user(self.session, &user) })
    }

    /// The same by name: one row, made for [`Part::User`].
    pub fn set_user_rows(&mut self, row: &Rows) -> Result<(), Error> {
        row.check()?;
        let user = sys::mmoe_input { rows: row.ptr(), ..input() };
        check(unsafe { sys::mmoe_session_set_user(self.session, &user) })
    }

    /// Candidates of the user: [rows, `candidate_dim()`], with the bits of whole rows.
    pub fn score_candidates(&mut self, x: &[f32], scores: &mut [f32]) -> Result<(), Error> {
        let mut input = input_of(x, self.model.candidate_dim());
        input.candidates = 1;
        self.run(&input, scores, None, None)
    }

    /// Scores the rows whose scores the file has, and compares: before a new model takes over.
    pub fn replay_golden(&mut self) -> Result<GoldenReport, Error> {
        // SAFETY: as in Model::feature().
        let mut report: sys::mmoe_golden_report = unsafe { std::mem::zeroed() };
        report.struct_size = size_of::<sys::mmoe_golden_report>();
        check(unsafe { sys::mmoe_session_replay_golden(self.session, null_mut(), 0, &mut report) })?;
        Ok(GoldenReport {
            num_rows: report.num_rows,
            num_scores: report.num_scores,
            num_wrong: report.num_wrong,
            largest_difference: report.largest_difference,
            exact: report.exact != 0,
        })
    }
}
