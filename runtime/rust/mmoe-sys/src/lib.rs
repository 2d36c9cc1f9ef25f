//! The C interface of mmoe-edge: what `runtime/include/mmoe/mmoe.h` declares, which documents it. Written by hand;
//! `tests/rust/check_sys.py` compares the two. The crate `mmoe` is the safe layer.
#![no_std]
#![allow(non_camel_case_types)]

use core::ffi::c_void;

pub type c_char = core::ffi::c_char;
pub type mmoe_status = i32;

pub const MMOE_OK: mmoe_status = 0;
pub const MMOE_INVALID_ARGUMENT: mmoe_status = 8;

macro_rules! opaque {
    ($($name:ident),*) => {
        $(#[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        })*
    };
}

opaque!(mmoe_model, mmoe_rows, mmoe_session, mmoe_thread_pool);

macro_rules! structs {
    ($($name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(#[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            $(pub $field: $type,)*
        })*
    };
}

structs! {
    mmoe_load_options {
        struct_size: usize,
        no_verify_header: i32,
        verify_checksums: i32,
        copy_if_misaligned: i32,
        copy: i32,
    }
    mmoe_feature_info {
        struct_size: usize,
        name: *const c_char,
        name_size: usize,
        source: *const c_char,
        source_size: usize,
        column: usize,
        width: usize,
        length: usize,
        num_values: usize,
        num_ids: usize,
        kind: i32,
        side: i32,
        string_values: i32,
        refuses_unknown: i32,
        refuses_missing: i32,
        hashed: i32,
        number_values: i32,
        num_parts: i32,
        weights: *const c_char,
        weights_size: usize,
    }
    mmoe_category {
        struct_size: usize,
        text: *const c_char,
        text_size: usize,
        id: i32,
        is_unsigned: i32,
        integer: i64,
    }
    mmoe_rows_options {
        struct_size: usize,
        max_rows: usize,
        part: i32,
        reserved: i32,
    }
    mmoe_values {
        data: *const c_void,
        size: usize,
        bytes: *const c_char,
        num_bytes: usize,
        r#type: i32,
        reserved: i32,
    }
    mmoe_executor {
        run: Option<mmoe_run>,
        state: *mut c_void,
        library: Option<unsafe extern "C" fn()>,
    }
    mmoe_session_options {
        struct_size: usize,
        max_batch: usize,
        tasks: *const u32,
        num_tasks: usize,
        top_k: usize,
        kernel_set: *const c_char,
        executor: mmoe_executor,
        num_workers: usize,
        min_gate_weight: f32,
        no_renormalise: i32,
        skip_experts: i32,
        non_finite: i32,
        no_allow_environment: i32,
        reserved: i32,
        max_multiply_adds: u64,
        max_steps: u64,
        max_arena_bytes: u64,
        max_ids: u64,
    }
    mmoe_feature_column {
        values: *const f32,
        num_values: usize,
        ids: *const i32,
        num_ids: usize,
    }
    mmoe_columns {
        columns: *const mmoe_feature_column,
        num_columns: usize,
        library: Option<unsafe extern "C" fn()>,
    }
    mmoe_input {
        struct_size: usize,
        num_rows: usize,
        x: *const f32,
        num_x: usize,
        x_stride: usize,
        columns: mmoe_columns,
        rows: *const mmoe_rows,
        candidates: i32,
        reserved: i32,
    }
    mmoe_output {
        struct_size: usize,
        scores: *mut f32,
        num_scores: usize,
        scores_stride: usize,
        gate_weights: *mut f32,
        num_gate_weights: usize,
        gate_weights_stride: usize,
        logits: *mut f32,
        num_logits: usize,
        logits_stride: usize,
    }
    mmoe_gate_info {
        struct_size: usize,
        level: usize,
        index: usize,
        column: usize,
        num_experts: usize,
        experts: *const u32,
        name: *const c_char,
        name_size: usize,
        tasks: u64,
    }
    mmoe_golden_report {
        struct_size: usize,
        num_rows: usize,
        num_scores: usize,
        num_wrong: usize,
        row: usize,
        task: usize,
        found: f32,
        expected: f32,
        tolerance: f64,
        largest_difference: f64,
        exact: i32,
        reserved: i32,
    }
}

pub type mmoe_task = unsafe extern "C" fn(context: *mut c_void, index: usize);
pub type mmoe_run = unsafe extern "C" fn(state: *mut c_void, num_tasks: usize, task: mmoe_task, context: *mut c_void);

extern "C" {
    pub fn mmoe_version() -> *const c_char;
    pub fn mmoe_last_message() -> *const c_char;

    pub fn mmoe_model_map(
        path: *const c_char,
        options: *const mmoe_load_options,
        model: *mut *mut mmoe_model,
    ) -> mmoe_status;
    pub fn mmoe_model_from_bytes(
        data: *const c_void,
        size: usize,
        options: *const mmoe_load_options,
        model: *mut *mut mmoe_model,
    ) -> mmoe_status;
    pub fn mmoe_model_free(model: *mut mmoe_model);
    pub fn mmoe_model_name(model: *const mmoe_model, size: *mut usize) -> *const c_char;
    pub fn mmoe_model_architecture(model: *const mmoe_model, size: *mut usize) -> *const c_char;
    pub fn mmoe_model_input_dim(model: *const mmoe_model) -> usize;
    pub fn mmoe_model_user_dim(model: *const mmoe_model) -> usize;
    pub fn mmoe_model_candidate_dim(model: *const mmoe_model) -> usize;
    pub fn mmoe_model_num_tasks(model: *const mmoe_model) -> usize;
    pub fn mmoe_model_task_name(model: *const mmoe_model, task: usize, size: *mut usize) -> *const c_char;
    pub fn mmoe_model_num_features(model: *const mmoe_model) -> usize;
    pub fn mmoe_model_feature(model: *const mmoe_model, index: usize, info: *mut mmoe_feature_info) -> mmoe_status;
    pub fn mmoe_model_find_id_text(
        model: *const mmoe_model,
        feature: usize,
        text: *const c_char,
        size: usize,
        id: *mut i32,
    ) -> mmoe_status;
    pub fn mmoe_model_find_id_integer(
        model: *const mmoe_model,
        feature: usize,
        value: i64,
        id: *mut i32,
    ) -> mmoe_status;
    pub fn mmoe_model_num_categories(model: *const mmoe_model, feature: usize) -> usize;
    pub fn mmoe_model_category(
        model: *const mmoe_model,
        feature: usize,
        place: usize,
        category: *mut mmoe_category,
    ) -> mmoe_status;
    pub fn mmoe_model_size_bytes(model: *const mmoe_model) -> usize;
    pub fn mmoe_model_verify_checksums(model: *const mmoe_model) -> mmoe_status;

    pub fn mmoe_rows_create(
        model: *const mmoe_model,
        options: *const mmoe_rows_options,
        rows: *mut *mut mmoe_rows,
    ) -> mmoe_status;
    pub fn mmoe_rows_free(rows: *mut mmoe_rows);
    pub fn mmoe_rows_clear(rows: *mut mmoe_rows, num_rows: usize) -> mmoe_status;
    pub fn mmoe_rows_status(rows: *const mmoe_rows) -> mmoe_status;
    pub fn mmoe_rows_num_rows(rows: *const mmoe_rows) -> usize;
    pub fn mmoe_rows_set_missing(rows: *mut mmoe_rows, row: usize, feature: *const c_char) -> mmoe_status;
    pub fn mmoe_rows_set_number(rows: *mut mmoe_rows, row: usize, feature: *const c_char, number: f64) -> mmoe_status;
    pub fn mmoe_rows_set_integer(rows: *mut mmoe_rows, row: usize, feature: *const c_char, integer: i64)
        -> mmoe_status;
    pub fn mmoe_rows_set_text_n(
        rows: *mut mmoe_rows,
        row: usize,
        feature: *const c_char,
        text: *const c_char,
        size: usize,
    ) -> mmoe_status;
    pub fn mmoe_rows_set_list(
        rows: *mut mmoe_rows,
        row: usize,
        feature: *const c_char,
        list: *const mmoe_values,
    ) -> mmoe_status;
    pub fn mmoe_rows_set_column(
        rows: *mut mmoe_rows,
        feature: *const c_char,
        values: *const mmoe_values,
        row_offsets: *const i32,
        num_offsets: usize,
    ) -> mmoe_status;
    pub fn mmoe_rows_set_weights(
        rows: *mut mmoe_rows,
        row: usize,
        feature: *const c_char,
        weights: *const mmoe_values,
    ) -> mmoe_status;

    pub fn mmoe_thread_pool_create(num_threads: usize, pool: *mut *mut mmoe_thread_pool) -> mmoe_status;
    pub fn mmoe_thread_pool_num_threads(pool: *const mmoe_thread_pool) -> usize;
    pub fn mmoe_thread_pool_executor(pool: *const mmoe_thread_pool) -> mmoe_executor;
    pub fn mmoe_thread_pool_free(pool: *mut mmoe_thread_pool);

    pub fn mmoe_session_create(
        model: *const mmoe_model,
        options: *const mmoe_session_options,
        session: *mut *mut mmoe_session,
    ) -> mmoe_status;
    pub fn mmoe_session_free(session: *mut mmoe_session);
    pub fn mmoe_session_score(
        session: *mut mmoe_session,
        input: *const mmoe_input,
        output: *const mmoe_output,
    ) -> mmoe_status;
    pub fn mmoe_session_set_user(session: *mut mmoe_session, user: *const mmoe_input) -> mmoe_status;
    pub fn mmoe_session_num_tasks(session: *const mmoe_session) -> usize;
    pub fn mmoe_session_task(session: *const mmoe_session, column: usize) -> usize;
    pub fn mmoe_session_kernel_set(session: *const mmoe_session) -> *const c_char;
    pub fn mmoe_session_is_exact(session: *const mmoe_session) -> i32;
    pub fn mmoe_session_num_gates(session: *const mmoe_session) -> usize;
    pub fn mmoe_session_num_gate_weights(session: *const mmoe_session) -> usize;
    pub fn mmoe_session_num_logits(session: *const mmoe_session) -> usize;
    pub fn mmoe_session_gate(session: *const mmoe_session, index: usize, info: *mut mmoe_gate_info) -> mmoe_status;
    pub fn mmoe_session_replay_golden(
        session: *mut mmoe_session,
        scores: *mut f32,
        num_scores: usize,
        report: *mut mmoe_golden_report,
    ) -> mmoe_status;
}
