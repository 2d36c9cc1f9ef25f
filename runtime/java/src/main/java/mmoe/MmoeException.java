package mmoe;

import java.nio.charset.StandardCharsets;

/** A call that failed, with the text of the runtime. Wrong use of Java objects is an IllegalStateException or an
 * IllegalArgumentException instead. */
public final class MmoeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Status status;

  MmoeException(int status, byte[] message) {
    super(new String(message, StandardCharsets.UTF_8));
    this.status = Status.of(status);
  }

  MmoeException(Status status, String message) {
    super(message);
    this.status = status;
  }

  public Status getStatus() {
    return status;
  }
}
