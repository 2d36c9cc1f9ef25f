package mmoe;

/** How a session scores. What is not set has its default. Setters return this. */
public final class SessionOptions {
  /** What happens to rows with inputs that are NaN or infinite. */
  public enum NonFinite { NAN_SCORES, ERROR }

  /** When to skip, for a row, the experts that none of its gates selects. The scores have the same bits either way. */
  public enum SkipExperts { WHERE_FASTER, ALWAYS, NEVER }

  /** No limit of what a row may cost. */
  public static final long UNLIMITED = -1;

  int maxBatch = 1;
  int topK;
  float minGateWeight;
  boolean renormalise = true;
  NonFinite nonFinite = NonFinite.NAN_SCORES;
  SkipExperts skipExperts = SkipExperts.WHERE_FASTER;
  int[] tasks;
  String kernelSet;
  ThreadPool pool;
  final long[] limits = new long[4];

  /** The largest number of rows that are usually scored in one call; more are scored in parts. */
  public SessionOptions setMaxBatch(int rows) {
    maxBatch = rows;
    return this;
  }

  /** Indices in the model of the tasks, in the order of the scores' columns; null: all. */
  public SessionOptions setTasks(int... wanted) {
    tasks = wanted == null ? null : wanted.clone();
    return this;
  }

  /** Keep the {@code k} largest weights of every gate; 0: as the file says. */
  public SessionOptions setTopK(int k) {
    topK = k;
    return this;
  }

  /** Skip experts of smaller weight; 0: none. */
  public SessionOptions setMinGateWeight(float weight) {
    minGateWeight = weight;
    return this;
  }

  /** Whether the weights that setMinGateWeight() keeps are divided by their sum; true unless set. */
  public SessionOptions setRenormalise(boolean value) {
    renormalise = value;
    return this;
  }

  public SessionOptions setNonFinite(NonFinite value) {
    nonFinite = value;
    return this;
  }

  public SessionOptions setSkipExperts(SkipExperts value) {
    skipExperts = value;
    return this;
  }

  /** As "avx2" or "neon64"; null: the fastest that the machine has. */
  public SessionOptions setKernelSet(String name) {
    kernelSet = name;
    return this;
  }

  /** Score on the threads of a pool. The scores are the same bits. */
  public SessionOptions setThreadPool(ThreadPool threads) {
    pool = threads;
    return this;
  }

  /** What a row may cost, else the session is refused (LIMIT_EXCEEDED). 0: the default; or {@link #UNLIMITED}. */
  public SessionOptions setLimits(long multiplyAdds, long steps, long arenaBytes, long ids) {
    limits[0] = multiplyAdds;
    limits[1] = steps;
    limits[2] = arenaBytes;
    limits[3] = ids;
    return this;
  }

  long[] numbers() {
    return new long[] {maxBatch, topK, skipExperts.ordinal(), nonFinite.ordinal(),
        pool == null ? 1 : pool.getNumThreads(), limits[0], limits[1], limits[2], limits[3]};
  }
}
