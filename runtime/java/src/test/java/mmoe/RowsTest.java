package mmoe;

import static mmoe.Feature.Side.CONTEXT;
import static mmoe.Feature.Side.ITEM;
import static mmoe.Feature.Side.USER;
import static mmoe.Vectors.assertSameBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RowsTest {
  private Vectors vectors;
  private Model model;
  private Session session;
  private final float[] scores = new float[6];

  @BeforeEach
  void load() {
    vectors = Vectors.of("raw.mmoe");
    model = Model.map(vectors.model);
    session = model.newSession(new SessionOptions().setMaxBatch(3));
  }

  @AfterEach
  void close() {
    if (session != null) session.close();
    if (model != null) model.close();
  }

  @Test
  void rowsByNameGiveTheBitsOfMmoeScore() {
    try (Rows rows = model.newRows(3, Rows.Part.WHOLE)) {
      vectors.fill(rows, model, 0, USER, CONTEXT, ITEM);
      session.score(rows, scores);
      assertSameBits(vectors.floats.get("scores"), scores);
      float[] gates = new float[3 * session.getNumGateWeights()];
      session.score(rows, scores, gates, null);
      assertSameBits(vectors.floats.get("scores"), scores);
      assertTrue(gates[0] > 0);
    }
  }

  @Test
  void candidatesOfAUserHaveTheBitsOfWholeRows() {
    try (Rows user = model.newRows(1, Rows.Part.USER); Rows items = model.newRows(3, Rows.Part.CANDIDATE)) {
      vectors.fill(user, model, 0, USER, CONTEXT);
      vectors.fill(items, model, 0, ITEM);
      session.setUser(user);
      session.score(items, scores);
      assertSameBits(vectors.floats.get("candidates"), scores);
    }
  }

  @Test
  void xOfAUserAndOfCandidates() {
    float[] x = new float[model.getInputDim()];
    for (int i = 0; i < x.length; ++i) x[i] = 0.1f * i - 0.5f;
    float[] wanted = new float[2];
    session.score(x, wanted);
    float[] user = columns(x, USER, model.getUserDim());
    float[] item = columns(x, ITEM, model.getCandidateDim());
    float[] found = new float[2];
    session.setUser(user);
    session.scoreCandidates(item, found);
    assertSameBits(wanted, found);
    session.setUser(SessionTest.buffer(user));
    java.nio.FloatBuffer out = SessionTest.buffer(new float[2]);
    session.scoreCandidates(SessionTest.buffer(item), out);
    out.get(found);
    assertSameBits(wanted, found);
    assertThrows(MmoeException.class, () -> session.setUser(x));
  }

  private float[] columns(float[] x, Feature.Side side, int size) {
    float[] part = new float[size];
    int at = 0;
    for (Feature feature : model.getFeatures()) {
      if ((feature.getSide() == ITEM) != (side == ITEM)) continue;
      System.arraycopy(x, feature.getColumn(), part, at, feature.getWidth());
      at += feature.getWidth();
    }
    assertEquals(size, at);
    return part;
  }

  @Test
  void columnsAreRowsToo() {
    try (Rows single = model.newRows(2, Rows.Part.WHOLE); Rows columns = model.newRows(2, Rows.Part.WHOLE)) {
      for (Rows rows : new Rows[] {single, columns}) {
        for (int row = 0; row < 2; ++row) rows.setList(row, "city x hour", new String[] {"Wien", "7"});
      }
      columns.setColumn("age", new double[] {39, 21.5}).setColumn("country", new String[] {"AT", null})
          .setColumn("history", new int[] {3, 7, 19}, new int[] {0, 2, 3}).setColumn("price", new float[] {1, 2, 3, 4})
          .setColumn("brand", new long[] {3, 5}).setColumn("tags", new String[] {"red", "blue"}, new int[] {0, 1, 2});
      single.set(0, "age", 39).set(1, "age", 21.5).set(0, "country", "AT").set(1, "country", (String) null)
          .setList(0, "history", new int[] {3, 7}).setList(1, "history", new long[] {19})
          .setList(0, "price", new double[] {1, 2}).setList(1, "price", new float[] {3, 4})
          .set(0, "brand", 3).set(1, "brand", 5)
          .setList(0, "tags", new String[] {"red"}).setList(1, "tags", new String[] {"blue"});
      for (int row = 0; row < 2; ++row) single.setWeights(row, "tags", new double[] {0.5 + row});
      columns.setWeightsColumn("tags", new double[] {0.5, 1.5}, new int[] {0, 1, 2});
      assertThrows(MmoeException.class, () -> other(rows -> rows.setWeightsColumn("age", new double[] {1}, null)));
      float[] wanted = new float[4];
      float[] found = new float[4];
      session.score(single, wanted);
      session.score(columns, found);
      assertSameBits(wanted, found);
    }
  }

  private void other(java.util.function.Consumer<Rows> use) {
    try (Rows rows = model.newRows()) {
      use.accept(rows);
    }
  }

  @Test
  void theFirstErrorStaysUntilClear() {
    try (Rows rows = model.newRows()) {
      MmoeException error = assertThrows(MmoeException.class, () -> rows.set(0, "colour", 1));
      assertTrue(error.getMessage().contains("colour"), error.getMessage());
      assertEquals(error.getMessage(),
          assertThrows(MmoeException.class, () -> session.score(rows, new float[2])).getMessage());
      rows.clear(1);
      error = assertThrows(MmoeException.class, () -> rows.set(0, "brand", 4)); // not in the vocabulary
      assertEquals(Status.UNKNOWN_CATEGORY, error.getStatus());
      rows.clear(1);
      assertThrows(MmoeException.class, () -> rows.set(1, "age", 4.0)); // no such row
      rows.clear(1);
      error = assertThrows(MmoeException.class, () -> rows.set(-1, "age", 4.0));
      assertEquals("feature \"age\", row -1: expected 0 or more", error.getMessage());
      assertThrowsAgain(error, () -> rows.set(0, "age", 4.0));
      assertThrowsAgain(error, () -> session.score(rows, new float[2]));
      assertThrowsAgain(error, () -> session.setUser(rows));
      error = assertThrows(MmoeException.class, () -> rows.clear(-7));
      assertEquals("clear: -7 rows, expected 0 or more", error.getMessage());
      rows.clear(1);
      error = assertThrows(MmoeException.class, () -> rows.set(0, "colour", 1));
      assertThrowsAgain(error, () -> rows.set(-1, "age", 4.0)); // the first one
      assertThrowsAgain(error, () -> session.score(rows, new float[2]));
      rows.clear(1);
      assertThrows(MmoeException.class, () -> rows.set(0, "age", "thirty"));
      assertThrows(MmoeException.class, () -> rows.clear(2));
    }
  }

  private static void assertThrowsAgain(MmoeException first, org.junit.jupiter.api.function.Executable use) {
    assertEquals(first.getMessage(), assertThrows(MmoeException.class, use).getMessage());
  }

  @Test
  void halfASurrogatePairIsNoQuestionMark() {
    try (Rows rows = model.newRows()) {
      for (String text : new String[] {"\uD83D", "\uDE00", "\uDE00\uD83D"}) {
        String expected = text.replaceAll("[\\uD800-\\uDFFF]", "\uFFFD");
        MmoeException error = assertThrows(MmoeException.class, () -> rows.set(0, text, 1));
        assertTrue(error.getMessage().contains("\"" + expected + "\""), error.getMessage());
        rows.clear(1);
      }
    }
  }

  @Test
  void whatIsNoArrayOfValuesIsRefused() {
    try (Rows rows = model.newRows()) {
      assertThrows(IllegalArgumentException.class, () -> rows.setList(0, "history", "3"));
      assertThrows(IllegalArgumentException.class, () -> rows.setList(0, "history", new short[] {3}));
      assertThrows(IllegalArgumentException.class, () -> rows.setList(0, "history", null));
      assertThrows(IllegalArgumentException.class, () -> rows.setList(0, "tags", new String[] {"a\0b"}));
      assertThrows(IllegalArgumentException.class, () -> rows.set(0, null, 1));
      assertThrows(IllegalArgumentException.class, () -> model.newRows(0, Rows.Part.WHOLE));
    }
  }

  @Test
  void rowsOfAnotherModelAndClosedRowsAreRefused() {
    try (Model other = Model.map(vectors.model); Rows rows = other.newRows()) {
      assertThrows(MmoeException.class, () -> session.score(rows, new float[2]));
    }
    Rows rows = model.newRows();
    rows.close();
    assertThrows(IllegalStateException.class, () -> session.score(rows, new float[2]));
    assertThrows(IllegalStateException.class, () -> rows.set(0, "age", 3));
    assertThrows(MmoeException.class, () -> {
      try (Rows whole = model.newRows(3, Rows.Part.WHOLE)) {
        session.score(whole, new float[5]);
      }
    });
  }

  @Test
  void settingValuesAllocatesNothing() {
    com.sun.management.ThreadMXBean bean =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    try (Rows rows = model.newRows()) {
      for (int i = 0; i < 100; ++i) set(rows);
      long before = bean.getThreadAllocatedBytes(Thread.currentThread().getId());
      for (int i = 0; i < 1000; ++i) set(rows);
      long allocated = bean.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
      assertTrue(allocated < 1000, allocated + " bytes in 1,000 rows");
    }
  }

  private static void set(Rows rows) {
    rows.clear(1).set(0, "age", 39.5).set(0, "country", "Côte").set(0, "brand", 5);
  }

  @Test
  void zeroRowsAreScored() {
    try (Rows rows = model.newRows()) {
      rows.clear(0);
      session.score(rows, new float[0]);
      assertEquals(0, rows.getNumRows());
      Arrays.fill(scores, 7);
    }
  }
}
