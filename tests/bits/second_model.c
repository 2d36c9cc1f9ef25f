/* The other model of the comparison, beside the one of examples/cortex-m/model.c. */
__asm(
    ".section .rodata.second, \"a\"\n"
    ".balign 64\n"
    ".global second_begin\n"
    "second_begin:\n"
    ".incbin \"" SECOND_MODEL_FILE
    "\"\n"
    ".global second_end\n"
    "second_end:\n"
    ".previous\n");
