// Structs of <mmoe/mmoe.h> as wasm32 lays them out. A field has 4 bytes, but for the types that are named.
// layout.cpp has the compiler compare sizes, and a test compares the names with the header.

const ACCESS = {
  u32: [4, "Uint32"], i32: [4, "Int32"], f32: [4, "Float32"], f64: [8, "Float64"], u64: [8, "BigUint64"],
  i64: [8, "BigInt64"],
};

class Struct {
  constructor(fields) {
    this.fields = [];
    this.bytes = 0;
    for (const field of fields.split(/\s+/)) {
      const [name, type = "u32"] = field.split(":");
      const [size, accessor] = ACCESS[type];
      const offset = Math.ceil(this.bytes / size) * size;
      this.fields.push({ name, type, offset, get: `get${accessor}`, set: `set${accessor}` });
      this.bytes = offset + size;
    }
  }

  // At a multiple of 8. What `values` does not have is 0.
  write(native, at, values) {
    const { view } = native;
    for (const { name, type, offset, set } of this.fields) {
      const value = name === "struct_size" ? this.bytes : values[name] ?? 0;
      view[set](at + offset, type.endsWith("64") && type !== "f64" ? BigInt(value) : Number(value), true);
    }
    return at;
  }

  read(native, at) {
    const { view } = native;
    return Object.fromEntries(this.fields.map(({ name, offset, get }) => [name, view[get](at + offset, true)]));
  }

  // What a function of C says in a struct: fill(pointer) returns its status.
  filled(native, fill) {
    const at = this.write(native, native.scratch, {});
    native.check(fill(at));
    return this.read(native, at);
  }
}

export const STRUCTS = {
  load_options: new Struct("struct_size no_verify_header verify_checksums copy_if_misaligned copy"),
  feature_info: new Struct(
    "struct_size name name_size source source_size column width length num_values num_ids kind side string_values " +
      "refuses_unknown refuses_missing hashed number_values num_parts weights weights_size",
  ),
  category: new Struct("struct_size text text_size id:i32 is_unsigned integer:i64"),
  golden_rows: new Struct("struct_size num_rows values ids scores num_values num_ids has_features reserved"),
  rows_options: new Struct("struct_size max_rows part reserved"),
  values: new Struct("data size bytes num_bytes type reserved"),
  session_options: new Struct(
    "struct_size max_batch tasks num_tasks top_k kernel_set executor.run executor.state executor.library num_workers " +
      "min_gate_weight:f32 no_renormalise skip_experts non_finite no_allow_environment reserved " +
      "max_multiply_adds:u64 max_steps:u64 max_arena_bytes:u64 max_ids:u64",
  ),
  input: new Struct(
    "struct_size num_rows x num_x x_stride columns.columns columns.num_columns columns.library rows candidates " +
      "reserved",
  ),
  output: new Struct(
    "struct_size scores num_scores scores_stride gate_weights num_gate_weights gate_weights_stride logits num_logits " +
      "logits_stride",
  ),
  gate_info: new Struct("struct_size level index column num_experts experts name name_size tasks:u64"),
  step_info: new Struct("struct_size kind inputs outputs sparse reserved"),
  golden_report: new Struct(
    "struct_size num_rows num_scores num_wrong row task found:f32 expected:f32 tolerance:f64 largest_difference:f64 " +
      "exact reserved",
  ),
};
