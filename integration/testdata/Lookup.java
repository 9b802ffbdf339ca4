import java.net.InetAddress;

/** Prints the addresses that Java finds for a name, one a line. */
public class Lookup {
    public static void main(String[] args) throws Exception {
        for (InetAddress addr : InetAddress.getAllByName(args[0])) {
            System.out.println(addr.getHostAddress());
        }
    }
}
