package mmoe;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Scores rows of a model. Its memory is allocated once, when it is made; scoring allocates nothing. One thread at a
 * time; others wait, so make a session for each.
 *
 * <p>x is [rows, {@link Model#getInputDim}], scores are [rows, {@link #getNumScores}], row after row.
 */
public final class Session extends Handle implements AutoCloseable {
  private final Model model;
  private final ThreadPool pool;
  private final long[] numbers;
  private final String kernelSet;
  private final List<Gate> gates;

  Session(Model model, SessionOptions options) {
    this.model = model;
    pool = options.pool;
    long address = model.retain();
    long threads = 0;
    try {
      threads = pool == null ? 0 : pool.retain();
      open(Native.createSession(address, options.numbers(), options.minGateWeight, options.renormalise, options.tasks,
          options.kernelSet, threads));
    } catch (RuntimeException | Error error) {
      if (threads != 0) pool.release();
      model.release();
      throw error;
    }
    long session = retain();
    try {
      numbers = Native.sessionNumbers(session);
      kernelSet = new String(Native.sessionKernelSet(session), StandardCharsets.UTF_8);
      gates = readGates(session);
    } finally {
      release();
    }
  }

  private static List<Gate> readGates(long session) {
    List<Gate> list = new ArrayList<>();
    for (int i = 0; i < Native.numGates(session); ++i) {
      String name = new String(Native.gateName(session, i), StandardCharsets.UTF_8);
      list.add(new Gate(name, Native.gateNumbers(session, i)));
    }
    return Collections.unmodifiableList(list);
  }

  public Model getModel() {
    return model;
  }

  /** Scores of a row: the session's tasks. */
  public int getNumScores() {
    return (int) numbers[0];
  }

  /** Index in the model of the task in a column of the scores. */
  public int getTask(int column) {
    if (column < 0 || column >= getNumScores()) throw new IndexOutOfBoundsException("column " + column);
    return (int) numbers[6 + column];
  }

  /** Weights of a row's gates, of all {@link #getGates}. */
  public int getNumGateWeights() {
    return (int) numbers[1];
  }

  /** What the towers of a row give before scores are made of it. */
  public int getNumLogits() {
    return (int) numbers[2];
  }

  public List<Gate> getGates() {
    return gates;
  }

  public String getKernelSet() {
    return kernelSet;
  }

  /** Whether the scores are the same bits as on every other kernel set of which this is true. */
  public boolean isExact() {
    return numbers[3] != 0;
  }

  public long getMultiplyAddsPerRow() {
    return numbers[4];
  }

  /** As planned: {@code k} of every gate, 0 where all experts count. */
  public int getTopK() {
    return (int) numbers[5];
  }

  /** As many rows as {@code x} has. */
  public void score(float[] x, float[] scores) {
    score(x, scores, null, null);
  }

  /** The same, with the weights of the gates and the logits. Null: not wanted. */
  public synchronized void score(float[] x, float[] scores, float[] gateWeights, float[] logits) {
    long address = retain();
    try {
      Native.scoreArrays(address, x, false, scores, gateWeights, logits);
    } finally {
      release();
    }
  }

  /** Direct buffers in native order, each from its position to its limit, used where they lie. Positions stay. */
  public void score(FloatBuffer x, FloatBuffer scores) {
    scoreBuffers(x, false, scores);
  }

  public void score(Rows rows, float[] scores) {
    score(rows, scores, null, null);
  }

  /** Whole rows, or candidates' (by the part for which they were made). */
  public void score(Rows rows, float[] scores, float[] gateWeights, float[] logits) {
    synchronized (rows) {
      scoreRows(rows, scores, gateWeights, logits);
    }
  }

  private synchronized void scoreRows(Rows rows, float[] scores, float[] gateWeights, float[] logits) {
    long address = retain();
    try {
      long builder = rows.retain();
      try {
        rows.check();
        Native.scoreRows(address, builder, scores, gateWeights, logits);
      } finally {
        rows.release();
      }
    } finally {
      release();
    }
  }

  /** Takes a user, whose share of the first layers is computed once: {@link Model#getUserDim} columns. */
  public synchronized void setUser(float[] x) {
    long address = retain();
    try {
      Native.setUserArray(address, x);
    } finally {
      release();
    }
  }

  public synchronized void setUser(FloatBuffer x) {
    check(x, "x");
    long address = retain();
    try {
      Native.setUserBuffer(address, x, x.position(), x.remaining());
    } finally {
      release();
    }
  }

  /** One row, made for {@link Rows.Part#USER}. */
  public void setUser(Rows row) {
    synchronized (row) {
      setUserRow(row);
    }
  }

  private synchronized void setUserRow(Rows row) {
    long address = retain();
    try {
      long builder = row.retain();
      try {
        row.check();
        Native.setUserRows(address, builder);
      } finally {
        row.release();
      }
    } finally {
      release();
    }
  }

  /** Candidates of the user: [rows, {@link Model#getCandidateDim}]. The scores have the bits of whole rows. */
  public synchronized void scoreCandidates(float[] x, float[] scores) {
    long address = retain();
    try {
      Native.scoreArrays(address, x, true, scores, null, null);
    } finally {
      release();
    }
  }

  public void scoreCandidates(FloatBuffer x, FloatBuffer scores) {
    scoreBuffers(x, true, scores);
  }

  private synchronized void scoreBuffers(FloatBuffer x, boolean candidates, FloatBuffer scores) {
    check(x, "x");
    check(scores, "scores");
    if (scores.isReadOnly()) throw new IllegalArgumentException("scores: the buffer is read-only");
    long address = retain();
    try {
      Native.scoreBuffers(address, x, x.position(), x.remaining(), candidates, scores, scores.position(),
          scores.remaining());
    } finally {
      release();
    }
  }

  private static void check(FloatBuffer buffer, String name) {
    if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(name + ": expected a direct buffer in native byte order, as "
          + "ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder()).asFloatBuffer() makes it");
    }
  }

  /** Scores the rows whose scores the file has, and compares: before a new model takes over. */
  public synchronized GoldenReport replayGolden() {
    long address = retain();
    try {
      return new GoldenReport(Native.replayGolden(address));
    } finally {
      release();
    }
  }

  @Override
  void free(long address) {
    Native.freeSession(address);
    if (pool != null) pool.release();
    model.release();
  }

  @Override
  public void close() {
    closeOnce();
  }
}
