// The plain module, told as its differences from the one with SIMD, of which it has nine tenths.
//
// A patch is numbers in LEB128: how many numbers follow; then, again and again, how many new bytes come, how many bytes
// are copied, and from where: the distance from the end of the last copy, times 2, or times -2 and 1 less. Behind them
// are the new bytes.
export function patched(base, patch) {
  let at = 0;
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = patch[at++];
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const numbers = Array.from({ length: number() }, number);
  const result = [];
  let from = 0;
  for (let i = 0; i < numbers.length; i += 3) {
    const [fresh, copied, distance] = numbers.slice(i, i + 3);
    result.push(patch.subarray(at, at + fresh));
    at += fresh;
    from += distance % 2 === 0 ? distance / 2 : -(distance + 1) / 2;
    result.push(base.subarray(from, from + copied));
    from += copied;
  }
  return result; // parts, one behind the other
}
