package mmoe;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** The functions of runtime/java/native. Handles are addresses, 0 for none; who calls makes sure that they are open.
 * Texts that come from there are UTF-8. All throw MmoeException. */
final class Native {
  static {
    NativeLibrary.load();
  }

  private Native() {}

  static native byte[] version();

  // Models. Options are a sum of the constants in Model.
  static native long mapModel(String path, int options);
  static native long modelOfBytes(byte[] bytes, int options);
  static native long modelOfBuffer(ByteBuffer buffer, int offset, int size, int options);
  static native void freeModel(long model);
  static native byte[][] modelTexts(long model); // name, architecture, tasks
  static native long[] modelNumbers(long model); // input, user, candidate columns; features; bytes
  static native byte[][] featureTexts(long model, int feature); // name, source, weights, columns of a cross
  static native long[] featureNumbers(long model, int feature);
  static native int findText(long model, int feature, String text);
  static native int findInteger(long model, int feature, long value);
  static native int findBin(long model, int feature, double value);
  static native long numCategories(long model, int feature);
  static native long[] categoryNumbers(long model, int feature, long place); // id, is unsigned, integer
  static native byte[] categoryText(long model, int feature, long place);
  static native void verifyChecksums(long model);

  // Rows by name.
  static native long createRows(long model, long maxRows, int part);
  static native void freeRows(long rows);
  static native void checkRows(long rows); // throws its first error
  static native void clearRows(long rows, long numRows);
  static native void refuseName(long rows, long row, String feature);
  static native void setMissing(long rows, long row, int feature);
  static native void setNumber(long rows, long row, int feature, double value);
  static native void setInteger(long rows, long row, int feature, long value);
  static native void setText(long rows, long row, int feature, String value);
  static native void setList(long rows, long row, int feature, Object values, boolean areWeights);
  static native void setColumn(long rows, int feature, Object values, int[] offsets, boolean areWeights);

  // Threads.
  static native long createPool(int numThreads);
  static native void freePool(long pool);

  // Sessions. numbers: max batch, top k, skip, non-finite, workers, the four limits.
  static native long createSession(long model, long[] numbers, float minGateWeight, boolean renormalise, int[] tasks,
      String kernelSet, long pool);
  static native void freeSession(long session);
  static native long[] sessionNumbers(long session); // columns of scores, gate weights, logits; exact; costs; tasks
  static native byte[] sessionKernelSet(long session);
  static native int numGates(long session);
  static native long[] gateNumbers(long session, int gate); // level, index, column, tasks, experts
  static native byte[] gateName(long session, int gate);
  static native void setUserArray(long session, float[] x);
  static native void setUserBuffer(long session, FloatBuffer x, int offset, int size);
  static native void setUserRows(long session, long rows);
  // What is not wanted is null. Offsets and sizes are in floats.
  static native void scoreArrays(long session, float[] x, boolean candidates, float[] scores, float[] gates,
      float[] logits);
  static native void scoreBuffers(long session, FloatBuffer x, int offset, int size, boolean candidates,
      FloatBuffer scores, int scoresOffset, int scoresSize);
  static native void scoreRows(long session, long rows, float[] scores, float[] gates, float[] logits);
  static native double[] replayGolden(long session);
}
