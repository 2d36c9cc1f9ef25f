// The WebAssembly: which build, its memory, its errors.
import { MmoeError } from "./errors.mjs";
import { MODULES } from "./modules.mjs";
import { patched } from "./patch.mjs";

// A module of one function that makes a vector: () => i32x4.extract_lane 0 (i32x4.splat (i32.const 0)).
const USES_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 10, 11, 1, 9, 0, 65, 0, 253, 17, 253, 27, 0, 11,
]);

const SCRATCH_BYTES = 256; // for a struct

// Of what is in the package in base64, deflated.
async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function moduleOf(build) {
  const bytes = await inflated(MODULES.simd128);
  if (build === "simd128") return WebAssembly.compile(bytes);
  const parts = patched(bytes, await inflated(MODULES.plain));
  return WebAssembly.compile(await new Blob(parts).arrayBuffer());
}

const compiled = {}; // once per build

// An instance with memory of its own, which goes when nothing refers to it any more.
export class Native {
  static async create(simd) {
    const build = simd && WebAssembly.validate(USES_SIMD) ? "simd128" : "plain";
    const native = new Native();
    const ended = () => {
      throw new MmoeError("the runtime has ended itself", "UNSUPPORTED");
    };
    const instance = await WebAssembly.instantiate(await (compiled[build] ??= moduleOf(build)), {
      env: { emscripten_notify_memory_growth() {} },
      wasi_snapshot_preview1: { proc_exit: ended },
    });
    native.exports = instance.exports;
    native.exports._initialize();
    native.scratch = native.allocate(SCRATCH_BYTES);
    native.room = { at: 0, bytes: 0 };
    return native;
  }

  // Memory that grows is a new buffer, of which views are taken anew.
  #buffer = null;

  #refresh() {
    const { buffer } = this.exports.memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.freshBytes = new Uint8Array(buffer);
    this.freshView = new DataView(buffer);
  }

  get buffer() {
    return this.exports.memory.buffer;
  }

  get bytes() {
    this.#refresh();
    return this.freshBytes;
  }

  get view() {
    this.#refresh();
    return this.freshView;
  }

  floats(at, count) {
    return new Float32Array(this.buffer, at, count);
  }

  // A multiple of 8. For free().
  allocate(bytes) {
    const at = bytes < 2 ** 31 ? this.exports.malloc(Math.max(bytes, 1)) : 0;
    if (at === 0) throw new MmoeError(`no memory for ${bytes} bytes`, "OUT_OF_MEMORY");
    return at;
  }

  free(at) {
    this.exports.free(at);
  }

  // Room for what a call reads, until the next call.
  temporary(bytes) {
    if (bytes > this.room.bytes) {
      this.free(this.room.at);
      this.room = { at: 0, bytes: 0 };
      this.room = { at: this.allocate(2 * bytes), bytes: 2 * bytes };
    }
    return this.room.at;
  }

  // The status of a function of C.
  check(status) {
    if (status !== 0) throw new MmoeError(this.terminated(this.exports.mmoe_last_message()), status);
  }

  terminated(at) {
    return this.text(at, this.bytes.indexOf(0, at) - at);
  }

  text(at, size) {
    return new TextDecoder().decode(this.bytes.subarray(at, at + size));
  }

  // What a function(..., size_t* size) of C returns.
  sizedText(find) {
    const at = find(this.scratch);
    return this.text(at, this.view.getUint32(this.scratch, true));
  }

  // A handle from a function of C that makes one: make(pointer to it) returns its status.
  handle(make) {
    const at = this.scratch + SCRATCH_BYTES - 8; // the struct of its options is in front
    this.view.setUint32(at, 0, true);
    this.check(make(at));
    return this.view.getUint32(at, true);
  }
}
