package mmoe;

/** Threads that sleep while there is nothing to do. One pool serves any number of sessions, which take turns. */
public final class ThreadPool extends Handle implements AutoCloseable {
  private final int numThreads;

  /** @param numThreads 1 to 256, the calling thread included, which works too */
  public ThreadPool(int numThreads) {
    open(Native.createPool(numThreads));
    this.numThreads = numThreads;
  }

  public int getNumThreads() {
    return numThreads;
  }

  @Override
  void free(long address) {
    Native.freePool(address);
  }

  /** The threads end when the last session that uses them is closed. */
  @Override
  public void close() {
    closeOnce();
  }
}
