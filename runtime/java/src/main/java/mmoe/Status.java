package mmoe;

/** What a failed call reports; the numbers are those of the C interface ({@code mmoe_status}). */
public enum Status {
  OK, IO, NOT_A_MODEL, NEWER_VERSION, DAMAGED, UNSUPPORTED, MISALIGNED, CHECKSUM, INVALID_ARGUMENT, ARENA_TOO_SMALL,
  OUT_OF_MEMORY, NON_FINITE, UNKNOWN_CATEGORY, LIMIT_EXCEEDED,
  /** A status of a library that is newer than these classes. */
  OTHER;

  private static final Status[] VALUES = values();

  static Status of(int number) {
    return number >= 0 && number < OTHER.ordinal() ? VALUES[number] : OTHER;
  }
}
