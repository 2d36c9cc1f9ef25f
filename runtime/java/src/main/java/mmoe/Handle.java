package mmoe;

/** The address of a native object that is freed when it is closed and nothing else uses it any more. */
abstract class Handle {
  private long address;
  private int users = 1; // the owner, and who has called retain()
  private boolean closed;

  final void open(long opened) {
    address = opened;
  }

  /** Frees the object at {@code address}, which nothing uses. */
  abstract void free(long freed);

  /** The address, which stays valid until release(). An IllegalStateException where the owner has closed it. */
  final synchronized long retain() {
    if (closed) throw new IllegalStateException(getClass().getSimpleName() + " is closed");
    ++users;
    return address;
  }

  final void release() {
    long freed = 0;
    synchronized (this) {
      if (--users == 0) {
        freed = address;
        address = 0;
      }
    }
    if (freed != 0) free(freed);
  }

  final void closeOnce() {
    synchronized (this) {
      if (closed) return;
      closed = true;
    }
    release();
  }
}
