package mmoe;

import static mmoe.Vectors.assertSameBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SessionTest {
  private Vectors vectors;
  private Model model;
  private float[] x;
  private float[] wanted;

  @BeforeEach
  void load() {
    vectors = Vectors.of("plain.mmoe");
    model = Model.map(vectors.model);
    x = vectors.floats.get("x");
    wanted = vectors.floats.get("scores");
  }

  @AfterEach
  void close() {
    if (model != null) model.close();
  }

  static FloatBuffer buffer(float[] values) {
    FloatBuffer direct =
        ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.nativeOrder()).asFloatBuffer();
    direct.put(values).rewind();
    return direct;
  }

  private static float[] floats(FloatBuffer buffer) {
    float[] values = new float[buffer.remaining()];
    buffer.duplicate().get(values);
    return values;
  }

  @Test
  void arraysGiveTheBitsOfMmoeScoreWhateverTheParts() {
    for (int maxBatch : new int[] {1, 7, 200, 1000}) {
      try (Session session = model.newSession(new SessionOptions().setMaxBatch(maxBatch))) {
        float[] scores = new float[wanted.length];
        float[] gates = new float[vectors.floats.get("gates").length];
        session.score(x, scores, gates, null);
        assertSameBits(wanted, scores);
        assertSameBits(vectors.floats.get("gates"), gates);
      }
    }
  }

  @Test
  void buffersGiveTheSameBitsFromTheirPositionOn() {
    try (Session session = model.newSession(new SessionOptions().setMaxBatch(64))) {
      float[] shifted = new float[x.length + 3];
      System.arraycopy(x, 0, shifted, 3, x.length);
      FloatBuffer input = buffer(shifted).position(3);
      FloatBuffer output = buffer(new float[wanted.length + 1]).position(1);
      session.score(input, output);
      assertSameBits(wanted, floats(output));
      assertEquals(3, input.position());
      assertEquals(1, output.position());
      // A slice begins somewhere else.
      output.put(1, 0);
      session.score(input.slice(), output.slice());
      assertSameBits(wanted, floats(output));
    }
  }

  @Test
  void threadsGiveTheSameBits() {
    try (ThreadPool pool = new ThreadPool(2);
        Session session = model.newSession(new SessionOptions().setMaxBatch(200).setThreadPool(pool))) {
      float[] scores = new float[wanted.length];
      session.score(x, scores);
      assertSameBits(wanted, scores);
    }
  }

  @Test
  void severalThreadsMayUseOneModelAndOneSession() throws InterruptedException {
    AtomicInteger right = new AtomicInteger();
    try (Session shared = model.newSession()) {
      Thread[] threads = new Thread[4];
      for (int i = 0; i < threads.length; ++i) {
        Session session = i % 2 == 0 ? shared : model.newSession();
        threads[i] = new Thread(() -> {
          for (int round = 0; round < 20; ++round) {
            float[] scores = new float[wanted.length];
            session.score(x, scores);
            if (Arrays.equals(scores, wanted)) right.incrementAndGet();
          }
          if (session != shared) session.close();
        });
        threads[i].start();
      }
      for (Thread thread : threads) thread.join();
    }
    assertEquals(80, right.get());
  }

  @Test
  void sessionsSayWhatTheyScore() {
    try (Session session = model.newSession(new SessionOptions().setTasks(1).setTopK(2))) {
      assertEquals(1, session.getNumScores());
      assertEquals(1, session.getTask(0));
      assertEquals(2, session.getTopK());
      assertEquals(1, session.getGates().size());
      Gate gate = session.getGates().get(0);
      assertEquals(4, gate.getNumExperts());
      assertTrue(gate.serves(1));
      assertFalse(gate.serves(0));
      float[] gates = new float[4];
      session.score(Arrays.copyOf(x, 24), new float[1], gates, new float[session.getNumLogits()]);
      int kept = 0;
      for (float weight : gates) kept += weight > 0 ? 1 : 0;
      assertEquals(2, kept);
      assertThrows(IndexOutOfBoundsException.class, () -> session.getTask(1));
    }
  }

  @Test
  void everySetOfKernelsThatIsExactGivesTheSameBits() {
    for (String set : new String[] {"scalar", "fpu"}) {
      try (Session session = model.newSession(new SessionOptions().setKernelSet(set))) {
        assertEquals(set, session.getKernelSet());
        float[] scores = new float[wanted.length];
        session.score(x, scores);
        if (session.isExact()) assertSameBits(wanted, scores);
      } catch (MmoeException error) { // a library without this set
        assertEquals(Status.UNSUPPORTED, error.getStatus());
      }
    }
  }

  @Test
  void goldenRowsAreReplayed() {
    try (Session session = model.newSession()) {
      GoldenReport report = session.replayGolden();
      assertEquals(0, report.getNumWrong());
      assertTrue(report.getNumRows() > 0);
      assertEquals(2 * report.getNumRows(), report.getNumScores());
      assertTrue(report.isExact());
    }
  }

  @Test
  void wrongLengthsAreRefusedWithTheTextOfTheRuntime() {
    try (Session session = model.newSession()) {
      MmoeException error =
          assertThrows(MmoeException.class, () -> session.score(new float[25], new float[4]));
      assertEquals(Status.INVALID_ARGUMENT, error.getStatus());
      assertTrue(error.getMessage().contains("25"), error.getMessage());
      error = assertThrows(MmoeException.class, () -> session.score(new float[48], new float[3]));
      assertTrue(error.getMessage().contains("3"), error.getMessage());
      assertThrows(MmoeException.class, () -> session.score(new float[24], new float[2], new float[1], null));
      assertThrows(IllegalArgumentException.class, () -> session.score((float[]) null, new float[2]));
      assertThrows(IllegalArgumentException.class,
          () -> session.score(FloatBuffer.allocate(24), buffer(new float[2])));
      FloatBuffer foreign = ByteBuffer.allocateDirect(96)
          .order(ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN)
          .asFloatBuffer();
      assertThrows(IllegalArgumentException.class, () -> session.score(foreign, buffer(new float[2])));
      assertThrows(IllegalArgumentException.class,
          () -> session.score(buffer(new float[24]), buffer(new float[2]).asReadOnlyBuffer()));
      assertThrows(MmoeException.class, () -> session.setUser(new float[24])); // no user in this model
      assertThrows(MmoeException.class, () -> session.scoreCandidates(new float[24], new float[2]));
      session.score(new float[0], new float[0]); // no rows
    }
  }

  @Test
  void nonFiniteInputsAreAnErrorWhereThatIsAsked() {
    SessionOptions options = new SessionOptions().setNonFinite(SessionOptions.NonFinite.ERROR).setMaxBatch(8);
    try (Session session = model.newSession(options)) {
      float[] bad = x.clone();
      bad[24 * 50] = Float.NaN;
      MmoeException error = assertThrows(MmoeException.class, () -> session.score(bad, new float[wanted.length]));
      assertEquals(Status.NON_FINITE, error.getStatus());
      assertTrue(error.getMessage().contains("its row 0 is row 48"), error.getMessage());
    }
  }

  @Test
  void optionsThatCannotBeAreRefused() {
    assertThrows(MmoeException.class, () -> model.newSession(new SessionOptions().setTasks(7)));
    assertThrows(MmoeException.class, () -> model.newSession(new SessionOptions().setKernelSet("abacus")));
    assertThrows(IllegalArgumentException.class, () -> model.newSession(new SessionOptions().setMaxBatch(0)));
    assertThrows(IllegalArgumentException.class, () -> model.newSession(new SessionOptions().setTopK(-1)));
    assertThrows(IllegalArgumentException.class, () -> model.newSession(new SessionOptions().setTasks()));
    MmoeException error = assertThrows(MmoeException.class,
        () -> model.newSession(new SessionOptions().setLimits(10, 0, 0, 0)));
    assertEquals(Status.LIMIT_EXCEEDED, error.getStatus());
    assertThrows(MmoeException.class, () -> new ThreadPool(0));
    assertThrows(MmoeException.class, () -> new ThreadPool(100000));
  }

  @Test
  void aClosedModelServesTheSessionsThatAreOpen() {
    Session session = model.newSession();
    model.close();
    model.close();
    assertThrows(IllegalStateException.class, () -> model.newSession());
    float[] scores = new float[wanted.length];
    session.score(x, scores);
    assertSameBits(wanted, scores);
    session.close();
    session.close();
    assertThrows(IllegalStateException.class, () -> session.score(x, scores));
  }

  @Test
  void aClosedPoolServesTheSessionsThatAreOpen() {
    ThreadPool pool = new ThreadPool(2);
    try (Session session = model.newSession(new SessionOptions().setMaxBatch(200).setThreadPool(pool))) {
      pool.close();
      float[] scores = new float[wanted.length];
      session.score(x, scores);
      assertSameBits(wanted, scores);
    }
    assertThrows(IllegalStateException.class,
        () -> model.newSession(new SessionOptions().setThreadPool(pool)));
  }

  @Test
  void scoringAllocatesNothing() {
    com.sun.management.ThreadMXBean bean =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    float[] row = Arrays.copyOf(x, 24);
    float[] scores = new float[2];
    FloatBuffer input = buffer(row);
    FloatBuffer output = buffer(scores);
    try (Session session = model.newSession()) {
      for (int i = 0; i < 100; ++i) session.score(row, scores); // classes are loaded
      for (int i = 0; i < 100; ++i) session.score(input, output);
      long before = bean.getThreadAllocatedBytes(Thread.currentThread().getId());
      for (int i = 0; i < 1000; ++i) session.score(row, scores);
      for (int i = 0; i < 1000; ++i) session.score(input, output);
      long allocated = bean.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
      assertTrue(allocated < 1000, allocated + " bytes in 2,000 calls"); // what the measurement itself takes
    }
  }
}
