package mmoe;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** The test vectors of all languages (tests/vectors/make_vectors.py), in the folder that the property mmoe.vectors
 * names. */
final class Vectors {
  final File model;
  final Map<String, float[]> floats = new HashMap<>();
  private final List<String[]> settings = new ArrayList<>();

  private Vectors(File model) {
    this.model = model;
  }

  static File folder() {
    String folder = System.getProperty("mmoe.vectors", "");
    Assumptions.assumeFalse(folder.isEmpty(), "no test vectors: the property mmoe.vectors is not set");
    return new File(folder);
  }

  static Vectors of(String name) {
    Vectors found = null;
    for (String line : read()) {
      String[] words = line.split("\t");
      if (words[0].equals("model")) {
        if (found != null) break;
        if (words[1].equals(name)) found = new Vectors(new File(folder(), name));
      } else if (found != null) {
        found.add(words);
      }
    }
    Assertions.assertNotNull(found, name);
    return found;
  }

  private static List<String> read() {
    try {
      return Files.readAllLines(new File(folder(), "vectors.tsv").toPath(), StandardCharsets.UTF_8);
    } catch (IOException error) {
      throw new AssertionError(error);
    }
  }

  private void add(String[] words) {
    if (!Arrays.asList("x", "gates", "scores", "candidates").contains(words[0])) {
      settings.add(words);
      return;
    }
    float[] values = new float[words.length - 1];
    for (int i = 0; i < values.length; ++i) {
      values[i] = Float.intBitsToFloat(Integer.parseUnsignedInt(words[i + 1], 16));
    }
    floats.put(words[0], values);
  }

  /** Sets the features that `rows` has, of the model's rows from `first` on. */
  void fill(Rows rows, Model model, int first, Feature.Side... sides) {
    for (String[] words : settings) {
      int row = Integer.parseInt(words[1]) - first;
      if (row < 0 || row >= rows.getNumRows()) continue;
      if (Arrays.asList(sides).contains(model.findFeature(words[2]).getSide())) set(rows, row, words);
    }
  }

  private static void set(Rows rows, int row, String[] words) {
    String[] values = Arrays.copyOfRange(words, 3, words.length);
    switch (words[0]) {
      case "missing" -> rows.setMissing(row, words[2]);
      case "number" -> rows.set(row, words[2], Double.parseDouble(values[0]));
      case "integer" -> rows.set(row, words[2], Long.parseLong(values[0]));
      case "text" -> rows.set(row, words[2], values[0]);
      case "texts" -> rows.setList(row, words[2], values);
      case "integers" -> rows.setList(row, words[2], Arrays.stream(values).mapToLong(Long::parseLong).toArray());
      case "numbers" -> rows.setList(row, words[2], Arrays.stream(values).mapToDouble(Double::parseDouble).toArray());
      case "weights" -> rows.setWeights(row, words[2], Arrays.stream(values).mapToDouble(Double::parseDouble).toArray());
      default -> Assertions.fail("what is " + words[0]);
    }
  }

  static void assertSameBits(float[] wanted, float[] found) {
    Assertions.assertEquals(wanted.length, found.length);
    for (int i = 0; i < wanted.length; ++i) {
      Assertions.assertEquals(Float.floatToRawIntBits(wanted[i]), Float.floatToRawIntBits(found[i]), "float " + i);
    }
  }
}
