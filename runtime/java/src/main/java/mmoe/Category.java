package mmoe;

import java.nio.charset.StandardCharsets;

/** A category that a vocabulary lists: a text or an integer, and its id. Immutable. */
public final class Category {
  private final int id;
  private final boolean isUnsigned;
  private final long integer;
  private final String text;

  Category(long[] numbers, byte[] text) {
    id = (int) numbers[0];
    isUnsigned = numbers[1] != 0;
    integer = numbers[2];
    this.text = text == null ? null : new String(text, StandardCharsets.UTF_8);
  }

  /** As {@link Model#findId} finds it; -1: the file is damaged there. */
  public int getId() {
    return id;
  }

  /** Null of a vocabulary of integers. */
  public String getText() {
    return text;
  }

  /** Of a vocabulary of integers. */
  public long getInteger() {
    return integer;
  }

  /** Whether the integer is to be read as unsigned: it is beyond {@code Long.MAX_VALUE} then, where it is negative. */
  public boolean isUnsigned() {
    return isUnsigned;
  }

  @Override
  public String toString() {
    if (text != null) return text;
    return isUnsigned ? Long.toUnsignedString(integer) : Long.toString(integer);
  }
}
