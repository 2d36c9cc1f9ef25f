/* Output and exit through the debugger or emulator (Arm semihosting); a board would use a UART. */
#ifndef SEMIHOSTING_H_
#define SEMIHOSTING_H_

#ifdef __cplusplus
extern "C" {
#endif

void semihosting_write(const char* text);
__attribute__((noreturn)) void semihosting_exit(int code);

#ifdef __cplusplus
}
#endif

#endif
