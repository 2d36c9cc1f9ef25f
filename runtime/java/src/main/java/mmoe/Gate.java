package mmoe;

/** A gate with computed weights that a session's tasks need. Immutable. */
public final class Gate {
  private final String name;
  private final long[] numbers;

  Gate(String name, long[] numbers) {
    this.name = name;
    this.numbers = numbers;
  }

  public String getName() {
    return name;
  }

  /** Which of the model's levels, from 0. */
  public int getLevel() {
    return (int) numbers[0];
  }

  /** Which of the level's gates, from 0. */
  public int getIndex() {
    return (int) numbers[1];
  }

  /** Column of its first weight among a row's gate weights. */
  public int getColumn() {
    return (int) numbers[2];
  }

  /** Whether the tower of the model's task depends on it. */
  public boolean serves(int task) {
    return task >= 0 && task < 64 && (numbers[3] >>> task & 1) != 0;
  }

  /** Weights per row. */
  public int getNumExperts() {
    return numbers.length - 4;
  }

  /** The place in the level of the expert that the gate's weight {@code i} belongs to. */
  public int getExpert(int i) {
    return (int) numbers[4 + i];
  }
}
