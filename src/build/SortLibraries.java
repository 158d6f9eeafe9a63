import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Sorts the libraries in an executable jar by size, largest first. Spring Boot's class loader looks for a class in one
 * nested jar after the other, and the start loads most classes from the large ones.
 */
class SortLibraries {
    /** The manifest and all other entries stay in front of the libraries. */
    private static final Comparator<ZipEntry> LIBRARIES_LAST_BY_SIZE =
            Comparator.comparingLong(entry -> isLibrary(entry) ? -entry.getSize() : Long.MIN_VALUE);

    public static void main(String[] args) throws IOException {
        Path jar = Path.of(args[0]);
        Path sorted = Path.of(args[0] + ".sorted");
        try (ZipFile from = new ZipFile(jar.toFile());
                ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(sorted))) {
            List<? extends ZipEntry> entries =
                    from.stream().sorted(LIBRARIES_LAST_BY_SIZE).toList();
            for (ZipEntry entry : entries) {
                ZipEntry copy = new ZipEntry(entry);
                if (entry.getMethod() == ZipEntry.DEFLATED) {
                    // It is compressed again, and its size may change.
                    copy.setCompressedSize(-1);
                }
                to.putNextEntry(copy);
                try (InputStream content = from.getInputStream(entry)) {
                    content.transferTo(to);
                }
            }
        }
        Files.setLastModifiedTime(sorted, Files.getLastModifiedTime(jar));
        Files.move(sorted, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private static boolean isLibrary(ZipEntry entry) {
        return entry.getName().startsWith("BOOT-INF/lib/") && entry.getName().endsWith(".jar");
    }
}
