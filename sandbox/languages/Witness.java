/**
 * Takes the secret before a line of the program has run, and gives it when the tests have returned.
 *
 * Until then the secret is masked, so that a search of the memory finds nothing that looks like one. All classes are
 * loaded, though not initialised, and their files removed, so that the tests' constants are not there to be read.
 */
public final class Witness_TAG {
    public static void main(java.lang.String[] arguments) throws java.lang.Throwable {
        byte[] secret = new byte[64];
        byte[] mask = new byte[64];
        int length;
        try (java.io.FileInputStream given = new java.io.FileInputStream("/proc/self/fd/3")) {
            length = given.read(secret);
        }
        try (java.io.FileInputStream random = new java.io.FileInputStream("/dev/urandom")) {
            random.read(mask);
        }
        turn(secret, mask);
        load();
        java.io.FileOutputStream witness = new java.io.FileOutputStream("/proc/self/fd/4");
        java.lang.Runtime runtime = java.lang.Runtime.getRuntime();
        try {
            Main.main(new java.lang.String[0]);
        } catch (java.lang.Throwable error) {
            if (error instanceof java.lang.AssertionError) {
                witness.write("fail: an assertion of the tests does not hold".getBytes());
            }
            error.printStackTrace();
            runtime.halt(1);
        }
        java.lang.System.out.flush();
        turn(secret, mask);
        witness.write(secret, 0, length);
        runtime.halt(0);
    }

    private static void turn(byte[] secret, byte[] mask) {
        for (int at = 0; at < secret.length; at++) secret[at] ^= mask[at];
    }

    private static void load() {
        java.io.File[] files = new java.io.File("classes").listFiles();
        for (java.io.File file : files) {
            java.lang.String name = file.getName();
            if (!name.endsWith(".class")) continue;
            try {
                java.lang.Class.forName(name.substring(0, name.length() - 6), false, Witness_TAG.class.getClassLoader());
            } catch (java.lang.ClassNotFoundException | java.lang.LinkageError error) {
                // whoever needs it will say so
            }
        }
        for (java.io.File file : files) file.delete();
    }
}
