/* The model file, in flash where it is used in place. MODEL_FILE comes from the build. */
__asm(
    ".section .rodata.model, \"a\"\n"
    ".balign 64\n"
    ".global model_begin\n"
    "model_begin:\n"
    ".incbin \"" MODEL_FILE
    "\"\n"
    ".global model_end\n"
    "model_end:\n"
    ".previous\n");
