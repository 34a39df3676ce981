package nl.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jose4j.json.JsonUtil;

/** Reads a job from each line of standard input and writes an answer to each line of standard output, both JSON. */
public final class Main {

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Peer peer = switch (arguments[0]) {
            case "dss" -> new DssPeer();
            case "jose4j" -> new Jose4jPeer();
            case "nimbus" -> new NimbusPeer();
            default -> throw new IllegalArgumentException("no peer of that name");
        };
        BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = jobs.readLine(); line != null; line = jobs.readLine()) {
            answers.println(JsonUtil.toJson(answer(peer, Job.parse(line))));
        }
    }

    private static Map<String, Object> answer(Peer peer, Job job) {
        try {
            return switch (job.text("op")) {
                case "version" -> Map.of(
                        "name", peer.name(), "version", peer.version(), "runtime", "JDK " + Runtime.version().feature());
                case "sign" -> Map.of("value", peer.sign(job));
                case "verify" -> new LinkedHashMap<>(peer.verify(job));
                default -> throw new IllegalArgumentException("no such op");
            };
        } catch (Exception | StackOverflowError failure) { // whatever it is, the driver has to hear of it
            return Map.of("error", failure.toString());
        }
    }
}
