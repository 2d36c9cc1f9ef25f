package mmoe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What a model reads of a row, by name. Immutable. */
public final class Feature {
  /** Numbers; one category; several categories of one vocabulary. */
  public enum Kind { DENSE, SPARSE, SEQUENCE }

  /** Context and user features are the same for all candidates of a request. */
  public enum Side { CONTEXT, USER, ITEM }

  private final int index;
  private final String[] texts;
  private final long[] numbers;
  private final List<String> crossedColumns;

  Feature(int index, byte[][] texts, long[] numbers) {
    this.index = index;
    this.texts = Model.decode(texts);
    this.numbers = numbers;
    List<String> columns = new ArrayList<>();
    for (int i = 3; i < this.texts.length; ++i) columns.add(this.texts[i]);
    crossedColumns = Collections.unmodifiableList(columns);
  }

  /** Its place in {@link Model#getFeatures()}. */
  public int getIndex() {
    return index;
  }

  public String getName() {
    return texts[0];
  }

  /** The raw data's column: the name, unless several features read one column. */
  public String getSource() {
    return texts[1];
  }

  /** The raw data's column of a sequence's weights; empty where it has none. */
  public String getWeights() {
    return texts[2];
  }

  /** The raw data's columns that make a category together; empty, but for a cross. */
  public List<String> getCrossedColumns() {
    return crossedColumns;
  }

  /** First column in x. */
  public int getColumn() {
    return (int) numbers[0];
  }

  /** Columns in x; of a dense feature also the number of raw values. */
  public int getWidth() {
    return (int) numbers[1];
  }

  /** Ids per row: 1 of a category, of a sequence the most that it may have, 0 of numbers. */
  public int getLength() {
    return (int) numbers[2];
  }

  /** Size of the vocabulary. */
  public long getNumValues() {
    return numbers[3];
  }

  /** Rows of the embedding table. */
  public long getNumIds() {
    return numbers[4];
  }

  public Kind getKind() {
    return Kind.values()[(int) numbers[5]];
  }

  public Side getSide() {
    return Side.values()[(int) numbers[6]];
  }

  /** Whether the vocabulary holds texts, else integers. */
  public boolean hasStringValues() {
    return numbers[7] != 0;
  }

  /** Whether a value that is not in the vocabulary is an error. */
  public boolean refusesUnknown() {
    return numbers[8] != 0;
  }

  /** Whether a missing (NaN) number is an error of the row's input. */
  public boolean refusesMissing() {
    return numbers[9] != 0;
  }

  /** Whether the id is a bucket of the value's hash. */
  public boolean isHashed() {
    return numbers[10] != 0;
  }

  /** Whether a value is a number that lies between bounds: {@link Model#findBin}. */
  public boolean hasNumberValues() {
    return numbers[11] != 0;
  }

  @Override
  public String toString() {
    return getName() + " (" + getKind() + ", width " + getWidth() + ")";
  }
}
