/* host MODEL: calls both plug-ins. */
int plugin_score(const char* path);
int other_version(void);

int main(int argc, char** argv) { return argc < 2 || other_version() != 99 ? 2 : plugin_score(argv[1]); }
