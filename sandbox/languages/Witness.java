/** Takes the secret before a class of the program is loaded, and gives it when the tests have returned. */
public final class Witness_TAG {
    public static void main(java.lang.String[] arguments) throws java.lang.Throwable {
        byte[] secret = new byte[64];
        int length;
        try (java.io.FileInputStream given = new java.io.FileInputStream("/proc/self/fd/3")) {
            length = given.read(secret);
        }
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
        witness.write(secret, 0, length);
        runtime.halt(0);
    }
}
