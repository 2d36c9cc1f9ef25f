/* A plug-in that exports another version of the library, in which everything is an error. It is loaded first. */
int mmoe_model_map(const char* path, const void* options, void** model);
int mmoe_session_create(const void* model, const void* options, void** session);
int mmoe_session_score(void* session, const void* input, const void* output);
unsigned long mmoe_model_input_dim(const void* model);
void mmoe_model_free(void* model);
void mmoe_session_free(void* session);
int other_version(void);

int mmoe_model_map(const char* path, const void* options, void** model) {
  return path && model ? (options ? 101 : 100) : 99;
}
int mmoe_session_create(const void* model, const void* options, void** session) {
  return model && options && session ? 98 : 97;
}
int mmoe_session_score(void* session, const void* input, const void* output) {
  return session && input && output ? 96 : 95;
}
unsigned long mmoe_model_input_dim(const void* model) { return model ? 1 : 2; }
void mmoe_model_free(void* model) { (void)model; }
void mmoe_session_free(void* session) { (void)session; }
int other_version(void) { return mmoe_model_map(0, 0, 0); }
