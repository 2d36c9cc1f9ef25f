package mmoe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModelTest {
  private final Vectors vectors = Vectors.of("raw.mmoe");

  @Test
  void aModelSaysWhatItIs() {
    try (Model model = Model.map(vectors.model, Model.VERIFY_CHECKSUMS)) {
      assertEquals("test", model.getName());
      assertEquals("MMoE", model.getArchitecture());
      assertEquals(List.of("click", "like"), model.getTasks());
      assertEquals(17, model.getInputDim());
      assertEquals(model.getInputDim(), model.getUserDim() + model.getCandidateDim());
      assertEquals(vectors.model.length(), model.getSizeBytes());
      assertTrue(Model.version().matches("\\d+\\.\\d+\\.\\d+"));
      model.verifyChecksums();
    }
  }

  @Test
  void featuresSayWhatTheyRead() {
    try (Model model = Model.map(vectors.model)) {
      assertEquals(7, model.getFeatures().size());
      Feature country = model.findFeature("country");
      assertEquals(Feature.Kind.SPARSE, country.getKind());
      assertEquals(Feature.Side.USER, country.getSide());
      assertTrue(country.hasStringValues());
      assertEquals(4, country.getNumValues());
      assertEquals(4, model.findId(country, "Côte"));
      assertEquals(-1, model.findId(country, "\uD800")); // half a surrogate pair
      assertEquals(-1, model.findId(country, "x".repeat(1000)));
      Feature brand = model.findFeature("brand");
      assertTrue(brand.refusesUnknown());
      assertEquals(2, model.findId(brand, 1L << 40));
      assertThrows(MmoeException.class, () -> model.findId(brand, "3"));
      Feature tags = model.findFeature("tags");
      assertEquals(Feature.Kind.SEQUENCE, tags.getKind());
      assertEquals("counts", tags.getWeights());
      assertEquals(4, tags.getLength());
      Feature cross = model.findFeature("city x hour");
      assertEquals(List.of("city", "hour"), cross.getCrossedColumns());
      assertTrue(cross.isHashed());
      assertNull(model.findFeature("no such"));
      assertThrows(UnsupportedOperationException.class, () -> model.getFeatures().remove(0));
    }
  }

  @Test
  void bytesAndBuffersAreModelsToo() throws IOException {
    byte[] bytes = Files.readAllBytes(vectors.model.toPath());
    ByteBuffer misaligned = ByteBuffer.allocateDirect(bytes.length + 1).position(1).put(bytes).position(1);
    try (Model copied = Model.of(bytes); Model direct = Model.of(misaligned)) {
      Arrays.fill(bytes, (byte) 0);
      assertEquals(copied.getTasks(), direct.getTasks());
      copied.verifyChecksums();
      direct.verifyChecksums();
    }
    assertThrows(IllegalArgumentException.class, () -> Model.of(ByteBuffer.wrap(new byte[64])));
  }

  @Test
  void whatIsNoModelIsRefusedWithItsReason() throws IOException {
    MmoeException error =
        assertThrows(MmoeException.class, () -> Model.map(new File(Vectors.folder(), "missing.mmoe")));
    assertEquals(Status.IO, error.getStatus());
    assertTrue(error.getMessage().contains("missing.mmoe"), error.getMessage());
    assertEquals(Status.NOT_A_MODEL,
        assertThrows(MmoeException.class, () -> Model.of(new byte[1000])).getStatus());
    assertThrows(MmoeException.class, () -> Model.of(new byte[0]));
    assertThrows(MmoeException.class, () -> Model.of(ByteBuffer.allocateDirect(0)));
    byte[] bytes = Files.readAllBytes(vectors.model.toPath());
    bytes[bytes.length - 1] ^= 1;
    assertEquals(Status.CHECKSUM,
        assertThrows(MmoeException.class, () -> Model.of(bytes, Model.VERIFY_CHECKSUMS)).getStatus());
    assertThrows(MmoeException.class, () -> Model.of(Arrays.copyOf(bytes, bytes.length / 2)));
  }

  @Test
  void pathsMayHaveAnyCharacters() throws IOException {
    File folder = Files.createTempDirectory("mmoe Ünï 模型 \uD83D\uDE00").toFile();
    File copy = new File(folder, "größe.mmoe");
    Files.copy(vectors.model.toPath(), copy.toPath());
    try (Model model = Model.map(copy)) {
      assertEquals("test", model.getName());
    } finally {
      assertTrue(copy.delete() && folder.delete());
    }
  }

  @Test
  void categoriesOfAVocabularyAreListed() {
    try (Model model = Model.map(vectors.model)) {
      Feature country = model.findFeature("country");
      Feature brand = model.findFeature("brand");
      List<String> names = new ArrayList<>();
      for (long place = 0; place < model.numCategories(country); ++place) {
        Category category = model.getCategory(country, place);
        assertEquals(model.findId(country, category.getText()), category.getId());
        names.add(category.toString());
      }
      assertEquals(List.of("AT", "BR", "Côte", "US"), names.stream().sorted().toList());
      assertEquals(3, model.numCategories(brand));
      for (long place = 0; place < 3; ++place) {
        Category category = model.getCategory(brand, place);
        assertEquals(model.findId(brand, category.getInteger()), category.getId());
        assertTrue(category.getText() == null && !category.isUnsigned());
      }
      assertEquals(20, model.numCategories(model.findFeature("history")));
      assertEquals(0, model.numCategories(model.findFeature("age")));
      assertEquals(0, model.numCategories(model.findFeature("city x hour"))); // buckets of a hash
      MmoeException error = assertThrows(MmoeException.class, () -> model.getCategory(brand, 3));
      assertTrue(error.getMessage().contains("3 categories"), error.getMessage());
      assertThrows(IllegalArgumentException.class, () -> model.getCategory(brand, -1));
    }
    assertEquals("18446744073709551615", new Category(new long[] {0, 1, -1}, null).toString());
    assertEquals("-1", new Category(new long[] {0, 0, -1}, null).toString());
  }

  @Test
  void nullsAndNullCharactersAreRefused() {
    byte[] noBytes = null;
    String noText = null;
    assertThrows(IllegalArgumentException.class, () -> Model.of(noBytes));
    assertThrows(IllegalArgumentException.class, () -> Model.map(new File(vectors.model.getPath() + "\0.png")));
    try (Model model = Model.map(vectors.model); Rows rows = model.newRows()) {
      assertThrows(IllegalArgumentException.class, () -> model.findId(model.findFeature("country"), noText));
      MmoeException error = assertThrows(MmoeException.class, () -> rows.set(0, "age\0", 39));
      assertTrue(error.getMessage().contains("age\uFFFD"), error.getMessage());
      assertThrows(MmoeException.class, () -> rows.set(0, "age", 39)); // the error stays
      assertThrows(IllegalArgumentException.class,
          () -> model.newSession(new SessionOptions().setKernelSet("scalar\0")));
    }
  }

  @Test
  void aClosedModelIsRefused() {
    Model model = Model.map(vectors.model);
    model.close();
    assertThrows(IllegalStateException.class, model::verifyChecksums);
    assertThrows(IllegalStateException.class, model::newRows);
    assertArrayEquals(new String[] {"click", "like"}, model.getTasks().toArray()); // what was read stays
  }
}
