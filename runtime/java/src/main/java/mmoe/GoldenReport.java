package mmoe;

/** What came of scoring the rows whose scores the file has. */
public final class GoldenReport {
  private final double[] numbers;

  GoldenReport(double[] numbers) {
    this.numbers = numbers;
  }

  public int getNumRows() {
    return (int) numbers[0];
  }

  /** Rows times the session's tasks. */
  public int getNumScores() {
    return (int) numbers[1];
  }

  /** Scores that are not the stored ones; 0: all is well. */
  public int getNumWrong() {
    return (int) numbers[2];
  }

  /** Of the first wrong score; 0 when there is none. */
  public int getRow() {
    return (int) numbers[3];
  }

  /** Index in the model of the first wrong score's task. */
  public int getTask() {
    return (int) numbers[4];
  }

  public float getFound() {
    return (float) numbers[5];
  }

  public float getExpected() {
    return (float) numbers[6];
  }

  /** Relative to max(1, |expected score|); 0 where the same bits were asked for. */
  public double getTolerance() {
    return numbers[7];
  }

  public double getLargestDifference() {
    return numbers[8];
  }

  /** Whether the same bits were asked for. */
  public boolean isExact() {
    return numbers[9] != 0;
  }
}
