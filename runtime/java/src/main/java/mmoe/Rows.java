package mmoe;

/**
 * Rows by the names of their features, as raw values: numbers, categories, sequences.
 *
 * <pre>{@code
 * Rows rows = model.newRows();
 * rows.set(0, "age", 39).set(0, "country", "DE");
 * session.score(rows, scores);
 * }</pre>
 *
 * <p>What is not set is missing: the feature's rule says what becomes of it. The first error is thrown, and stays until
 * {@link #clear}: scoring throws it again. Setting a number or a text allocates nothing. One thread at a time; others
 * wait.
 */
public final class Rows extends Handle implements AutoCloseable {
  /** All features; those of the user and the context; those of the item. */
  public enum Part { WHOLE, USER, CANDIDATE }

  private final Model model;
  private int numRows;
  private String refused; // an error of these classes, which stays like those of the runtime; null: none

  Rows(Model model, int maxRows, Part part) {
    this.model = model;
    long address = model.retain();
    try {
      open(Native.createRows(address, maxRows, part.ordinal()));
    } catch (RuntimeException | Error error) {
      model.release();
      throw error;
    }
    numRows = maxRows;
  }

  /** {@code rows} rows with nothing set, and no error. */
  public synchronized Rows clear(int rows) {
    long address = retain();
    try {
      refused = rows < 0 ? "clear: " + rows + " rows, expected 0 or more" : null;
      check();
      Native.clearRows(address, rows);
      numRows = rows;
    } finally {
      release();
    }
    return this;
  }

  public synchronized int getNumRows() {
    return numRows;
  }

  /** Throws the error that the runtime does not know of. */
  synchronized void check() {
    if (refused != null) throw new MmoeException(Status.INVALID_ARGUMENT, refused);
  }

  private int find(long address, int row, String feature) {
    if (row < 0 && refused == null) {
      Native.checkRows(address); // an error that was there first
      refused = "feature \"" + feature + "\", row " + row + ": expected 0 or more";
    }
    check();
    int index = model.indexOf(feature);
    if (index < 0) Native.refuseName(address, row, feature); // throws
    return index;
  }

  public synchronized Rows setMissing(int row, String feature) {
    long address = retain();
    try {
      Native.setMissing(address, row, find(address, row, feature));
    } finally {
      release();
    }
    return this;
  }

  /** A number of a dense feature, or of one whose values lie between bounds. */
  public synchronized Rows set(int row, String feature, double value) {
    long address = retain();
    try {
      Native.setNumber(address, row, find(address, row, feature), value);
    } finally {
      release();
    }
    return this;
  }

  /** A category that is an integer, or a number. */
  public synchronized Rows set(int row, String feature, long value) {
    long address = retain();
    try {
      Native.setInteger(address, row, find(address, row, feature), value);
    } finally {
      release();
    }
    return this;
  }

  /** A category that is a text; null is a missing value. */
  public synchronized Rows set(int row, String feature, String value) {
    long address = retain();
    try {
      Native.setText(address, row, find(address, row, feature), value);
    } finally {
      release();
    }
    return this;
  }

  /** A sequence's elements, the numbers of a dense feature that is wider than 1, or the values of a cross:
   * {@code String[]}, {@code long[]}, {@code int[]}, {@code double[]} or {@code float[]}. */
  public synchronized Rows setList(int row, String feature, Object values) {
    long address = retain();
    try {
      Native.setList(address, row, find(address, row, feature), values, false);
    } finally {
      release();
    }
    return this;
  }

  /** The weights of a sequence's elements, where {@link Feature#getWeights} names a column of them. */
  public synchronized Rows setWeights(int row, String feature, Object values) {
    long address = retain();
    try {
      Native.setList(address, row, find(address, row, feature), values, true);
    } finally {
      release();
    }
    return this;
  }

  /** One feature of all rows, row after row: an array as {@link #setList} has it. */
  public Rows setColumn(String feature, Object values) {
    return setColumn(feature, values, null);
  }

  /** A sequence whose rows differ in length: row r has the elements from {@code offsets[r]} up to
   * {@code offsets[r + 1]}. */
  public synchronized Rows setColumn(String feature, Object values, int[] offsets) {
    long address = retain();
    try {
      Native.setColumn(address, find(address, 0, feature), values, offsets, false);
    } finally {
      release();
    }
    return this;
  }

  /** The weights of a sequence's elements of all rows, as {@link #setColumn(String, Object, int[])} has these. */
  public synchronized Rows setWeightsColumn(String feature, Object values, int[] offsets) {
    long address = retain();
    try {
      Native.setColumn(address, find(address, 0, feature), values, offsets, true);
    } finally {
      release();
    }
    return this;
  }

  @Override
  void free(long address) {
    Native.freeRows(address);
    model.release();
  }

  @Override
  public void close() {
    closeOnce();
  }
}
