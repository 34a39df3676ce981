package nl.interop;

import java.util.Map;

/** One library. Nothing but its own judgement may become a refusal: any other exception says that our program is wrong. */
interface Peer {
    String name();

    String version() throws Exception;

    /** The value of the signature field. */
    String sign(Job job) throws Exception;

    /** Members of the answer: at least `valid`, and `reason` when it is not. */
    Map<String, Object> verify(Job job) throws Exception;
}
