#!/usr/bin/env python3
"""without_avx512.py FROM TO: LLVM's IR of a kernel set for AVX-512 (clang 14, -emit-llvm -S), for machines with AVX2.

Almost everything in it is in LLVM's own terms, such as vectors of 16 floats, which LLVM halves where registers are
smaller. The few instructions with names of their own get bodies in those terms, from Intel's manual. The set's logic
is thereby tested to the bit on machines that cannot run it. Anything unknown is an error.
"""

import re
import sys

FEATURES = '"target-features"="+avx2,+fma,+f16c,+sse4.2"'


def every(step, first, count):
    """The operand of a shuffle that takes every `step`-th lane."""
    return f"<{count} x i32> <" + ", ".join(f"i32 {first + step * i}" for i in range(count)) + ">"


def splat(number, count):
    return "<" + ", ".join([f"i32 {number}"] * count) + ">"


def products(lanes, left, right):
    """%p = all products of %a and %b, as 32-bit numbers."""
    wide = f"<{lanes} x i32>"
    return f"""  %aw = {left} %a to {wide}
  %bw = {right} %b to {wide}
  %p = mul {wide} %aw, %bw
"""


def sums(name, parts, lanes):
    """%name = sums of `parts` neighbours of %p."""
    count = lanes // parts
    lines, total = "", None
    for i in range(parts):
        lines += (f"  %{name}{i} = shufflevector <{lanes} x i32> %p, <{lanes} x i32> poison, {every(parts, i, count)}\n")
        if total is None:
            total = f"%{name}{i}"
        else:
            lines += f"  %{name}_{i} = add <{count} x i32> {total}, %{name}{i}\n"
            total = f"%{name}_{i}"
    return lines, total


def vpdpbusd():
    """sum + four products of unsigned and signed bytes, wrapping."""
    lines, total = sums("q", 4, 64)
    return f"""<16 x i32> @NAME(<16 x i32> %s, <16 x i32> %a4, <16 x i32> %b4) #0 {{
  %a = bitcast <16 x i32> %a4 to <64 x i8>
  %b = bitcast <16 x i32> %b4 to <64 x i8>
{products(64, "zext <64 x i8>", "sext <64 x i8>")}{lines}  %r = add <16 x i32> %s, {total}
  ret <16 x i32> %r
}}"""


def pmaddubs():
    """Two products of unsigned and signed bytes, saturated to 16 bits."""
    lines, total = sums("q", 2, 64)
    low, high = splat(-32768, 32), splat(32767, 32)
    return f"""<32 x i16> @NAME(<64 x i8> %a, <64 x i8> %b) #0 {{
{products(64, "zext <64 x i8>", "sext <64 x i8>")}{lines}  %below = icmp slt <32 x i32> {total}, {low}
  %up = select <32 x i1> %below, <32 x i32> {low}, <32 x i32> {total}
  %above = icmp sgt <32 x i32> %up, {high}
  %down = select <32 x i1> %above, <32 x i32> {high}, <32 x i32> %up
  %r = trunc <32 x i32> %down to <32 x i16>
  ret <32 x i16> %r
}}"""


def pmaddw():
    """Two products of 16 bits."""
    lines, total = sums("q", 2, 32)
    return f"""<16 x i32> @NAME(<32 x i16> %a, <32 x i16> %b) #0 {{
{products(32, "sext <32 x i16>", "sext <32 x i16>")}{lines}  ret <16 x i32> {total}
}}"""


def cvttps2dq():
    """Floats cut to whole numbers; the kernels convert only what fits."""
    return """<16 x i32> @NAME(<16 x float> %a, <16 x i32> %p, i16 %m, i32 %r) #0 {
  %q = fptosi <16 x float> %a to <16 x i32>
  ret <16 x i32> %q
}"""


BODIES = {
    "llvm.x86.avx512.vpdpbusd.512": vpdpbusd,
    "llvm.x86.avx512.pmaddubs.w.512": pmaddubs,
    "llvm.x86.avx512.pmaddw.d.512": pmaddw,
    "llvm.x86.avx512.mask.cvttps2dq.512": cvttps2dq,
}


def emulated(text):
    # An empty instruction that only keeps a value in a register of AVX-512.
    text = re.sub(r'(%\w+ = )(?:tail )?call <8 x i64> asm sideeffect "", "=v,0[^"]*"\(<8 x i64> (%\w+)\)[^\n]*',
                  r"\1bitcast <8 x i64> \2 to <8 x i64>", text)
    for left in re.findall(r'.*asm sideeffect.*"=v.*', text):
        sys.exit(f"error: unknown instruction: {left.strip()}")
    text = re.sub(r'"target-features"="[^"]*"', FEATURES, text)
    text = re.sub(r'"min-legal-vector-width"="\d+"', '"min-legal-vector-width"="0"', text)
    text = re.sub(r"^declare [^\n]*@llvm\.x86\.avx512[^\n]*\n", "", text, flags=re.M)
    names = sorted(set(re.findall(r"@(llvm\.x86\.avx512[\w.]*)", text)))
    for name in names:
        if name not in BODIES:
            sys.exit(f"error: {name}: has no body here")
        text = text.replace("@" + name + "(", "@emulated." + name[5:] + "(")
        text += "\ndefine internal " + BODIES[name]().replace("NAME", "emulated." + name[5:]).replace("#0 {", "#9999 {")
    return text + f"\nattributes #9999 = {{ alwaysinline nounwind {FEATURES} }}\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[0])
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(emulated(text))


if __name__ == "__main__":
    main()
