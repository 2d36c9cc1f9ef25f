package mmoe;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/** Finds the native library: on Android in the app, else at the path in the property {@code mmoe.library}, else in the
 * jar, from where it is copied to a temporary file. */
final class NativeLibrary {
  private static final String NAME = "mmoe_jni";

  private NativeLibrary() {}

  static void load() {
    String path = System.getProperty("mmoe.library");
    if (path != null) {
      System.load(new File(path).getAbsolutePath());
    } else if ("Dalvik".equals(System.getProperty("java.vm.name"))) {
      System.loadLibrary(NAME);
    } else {
      FromJar.load(platform());
    }
  }

  /** As "linux-x86_64". */
  static String platform() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    if (machine.equals("amd64") || machine.equals("x86-64")) machine = "x86_64";
    if (machine.equals("arm64")) machine = "aarch64";
    return system.replace(' ', '_') + "-" + machine;
  }

  /** A class of its own: java.nio.file is not there on old versions of Android, which never come here. */
  private static final class FromJar {
    static void load(String platform) {
      String resource = "native/" + platform + "/" + System.mapLibraryName(NAME);
      try (InputStream library = Native.class.getResourceAsStream(resource)) {
        if (library == null) {
          throw new UnsatisfiedLinkError("mmoe: the jar has no native library for " + platform
              + "; build one (runtime/java/README.md) and name it in the property mmoe.library");
        }
        Path copy = Files.createTempFile("mmoe", ".so"); // readable and writable for its owner alone
        try {
          Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
          System.load(copy.toString());
        } finally {
          Files.deleteIfExists(copy); // the mapping stays
        }
      } catch (IOException error) {
        throw (UnsatisfiedLinkError) new UnsatisfiedLinkError(
            "mmoe: the native library could not be copied out of the jar: " + error.getMessage()).initCause(error);
      }
    }
  }
}
