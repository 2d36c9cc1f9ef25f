package mmoe;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A model file, verified and used where it lies. All threads may share it.
 *
 * <pre>{@code
 * try (Model model = Model.map(new File("ranker.mmoe")); Session session = model.newSession()) {
 *   float[] scores = new float[session.getNumScores()];
 *   session.score(x, scores);
 * }
 * }</pre>
 *
 * <p>Memory outside of the Java heap belongs to it until {@link #close()}, and as long as a session or rows of it are
 * open: these may be closed later. What is not closed is not freed.
 */
public final class Model extends Handle implements AutoCloseable {
  /** Option of loading: compare all bytes with their checksums, which reads the whole file. Options are added. */
  public static final int VERIFY_CHECKSUMS = 1;
  /** Option of loading: own a copy of all bytes, of a file or a buffer that others may overwrite. */
  public static final int COPY = 2;

  private final ByteBuffer buffer; // kept alive: the model uses its bytes
  private final String name;
  private final String architecture;
  private final List<String> tasks;
  private final List<Feature> features;
  private final Map<String, Integer> featureIndex = new HashMap<>();
  private final long[] numbers;

  private Model(long address, ByteBuffer buffer) {
    open(address);
    this.buffer = buffer;
    String[] texts = decode(Native.modelTexts(address));
    name = texts[0];
    architecture = texts[1];
    tasks = Collections.unmodifiableList(Arrays.asList(texts).subList(2, texts.length));
    numbers = Native.modelNumbers(address);
    List<Feature> list = new ArrayList<>();
    for (int i = 0; i < numbers[3]; ++i) {
      Feature feature = new Feature(i, Native.featureTexts(address, i), Native.featureNumbers(address, i));
      featureIndex.put(feature.getName(), i);
      list.add(feature);
    }
    features = Collections.unmodifiableList(list);
  }

  /** Maps a file, which must not be written to in place meanwhile: replace it by renaming, or give {@link #COPY}. */
  public static Model map(File file) {
    return map(file, 0);
  }

  public static Model map(File file, int options) {
    return new Model(Native.mapModel(file.getPath(), options), null);
  }

  /** A copy of a whole file's bytes. */
  public static Model of(byte[] bytes) {
    return of(bytes, 0);
  }

  public static Model of(byte[] bytes, int options) {
    return new Model(Native.modelOfBytes(bytes, options), null);
  }

  /**
   * The bytes of a direct buffer from its position to its limit, as {@code FileChannel.map} gives it or an app's asset
   * that is stored uncompressed. They are used where they lie, unless they do not begin at a multiple of 64 bytes, and
   * must not change before the model is closed.
   */
  public static Model of(ByteBuffer bytes) {
    return of(bytes, 0);
  }

  public static Model of(ByteBuffer bytes, int options) {
    if (!bytes.isDirect()) throw new IllegalArgumentException("bytes: expected a direct buffer");
    return new Model(Native.modelOfBuffer(bytes, bytes.position(), bytes.remaining(), options), bytes);
  }

  /** Of the native library: "0.1.0". */
  public static String version() {
    return new String(Native.version(), StandardCharsets.UTF_8);
  }

  public String getName() {
    return name;
  }

  /** As "MMoE". */
  public String getArchitecture() {
    return architecture;
  }

  /** Names, in the order of the scores. */
  public List<String> getTasks() {
    return tasks;
  }

  /** In the order of the model's description; empty when it takes x alone. */
  public List<Feature> getFeatures() {
    return features;
  }

  /** Null when there is none of that name. */
  public Feature findFeature(String wanted) {
    Integer index = featureIndex.get(wanted);
    return index == null ? null : features.get(index);
  }

  int indexOf(String feature) {
    Integer index = featureIndex.get(feature);
    return index == null ? -1 : index;
  }

  /** Columns of x. */
  public int getInputDim() {
    return (int) numbers[0];
  }

  /** Columns of a user's part of x, 0 where the model does not tell users from candidates. */
  public int getUserDim() {
    return (int) numbers[1];
  }

  /** Columns of a candidate's part of x. */
  public int getCandidateDim() {
    return (int) numbers[2];
  }

  /** Of the whole file. */
  public long getSizeBytes() {
    return numbers[4];
  }

  /** Id of a category; -1 where the vocabulary does not hold it. */
  public int findId(Feature feature, String value) {
    long address = retain();
    try {
      return Native.findText(address, feature.getIndex(), value);
    } finally {
      release();
    }
  }

  /** Id of a category; -1 where the vocabulary does not hold it. */
  public int findId(Feature feature, long value) {
    long address = retain();
    try {
      return Native.findInteger(address, feature.getIndex(), value);
    } finally {
      release();
    }
  }

  /** Id of the bin that a number is in; -1 for NaN. */
  public int findBin(Feature feature, double value) {
    long address = retain();
    try {
      return Native.findBin(address, feature.getIndex(), value);
    } finally {
      release();
    }
  }

  /** How many categories the vocabulary lists, for a menu; 0 of numbers, and where ids are computed: buckets of a hash,
   * bins, parts of a date. */
  public long numCategories(Feature feature) {
    long address = retain();
    try {
      return Native.numCategories(address, feature.getIndex());
    } finally {
      release();
    }
  }

  /** One of them, from 0; their order means nothing: sort them by id. */
  public Category getCategory(Feature feature, long place) {
    long address = retain();
    try {
      int index = feature.getIndex();
      long[] numbers = Native.categoryNumbers(address, index, place);
      return new Category(numbers, feature.hasStringValues() ? Native.categoryText(address, index, place) : null);
    } finally {
      release();
    }
  }

  /** Compares every byte with its checksum; the message of a CHECKSUM names the part that is damaged. */
  public void verifyChecksums() {
    long address = retain();
    try {
      Native.verifyChecksums(address);
    } finally {
      release();
    }
  }

  public Session newSession() {
    return newSession(new SessionOptions());
  }

  public Session newSession(SessionOptions options) {
    return new Session(this, options);
  }

  /** One row by name, of all features. */
  public Rows newRows() {
    return newRows(1, Rows.Part.WHOLE);
  }

  public Rows newRows(int maxRows, Rows.Part part) {
    return new Rows(this, maxRows, part);
  }

  @Override
  void free(long address) {
    Native.freeModel(address);
  }

  @Override
  public void close() {
    closeOnce();
  }

  static String[] decode(byte[][] texts) {
    String[] decoded = new String[texts.length];
    for (int i = 0; i < texts.length; ++i) decoded[i] = new String(texts[i], StandardCharsets.UTF_8);
    return decoded;
  }
}
