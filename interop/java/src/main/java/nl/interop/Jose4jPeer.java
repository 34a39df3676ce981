package nl.interop;

import java.nio.charset.StandardCharsets;
import java.util.Map;

import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwx.HeaderParameterNames;
import org.jose4j.lang.JoseException;

/** jose4j: critical parameters that the caller processes are named with setKnownCriticalHeaders. */
final class Jose4jPeer implements Peer {

    @Override
    public String name() {
        return "jose4j";
    }

    @Override
    public String version() throws Exception {
        return Job.versionOf("org.bitbucket.b_c", "jose4j");
    }

    @Override
    public String sign(Job job) throws Exception {
        JsonWebSignature jws = jws(job);
        for (Map.Entry<String, Object> member : job.object("header").entrySet()) {
            jws.setHeader(member.getKey(), member.getValue());
        }
        jws.setKey(job.key());
        return jws.getDetachedContentCompactSerialization();
    }

    @Override
    public Map<String, Object> verify(Job job) throws Exception {
        JsonWebSignature jws = jws(job);
        try {
            jws.setCompactSerialization(job.text("value"));
            jws.setPayload(payload(job));
            jws.setKey(job.leaf().getPublicKey());
            return jws.verifySignature()
                    ? Map.of("valid", true)
                    : Map.of("valid", false, "reason", "verifySignature: false");
        } catch (JoseException refusal) {
            return Map.of("valid", false, "reason", refusal.getClass().getSimpleName() + ": " + refusal.getMessage());
        }
    }

    private static JsonWebSignature jws(Job job) {
        JsonWebSignature jws = new JsonWebSignature();
        jws.setAlgorithmConstraints(new AlgorithmConstraints(ConstraintType.PERMIT, job.text("alg")));
        jws.setKnownCriticalHeaders("sigD", HeaderParameterNames.BASE64URL_ENCODE_PAYLOAD);
        jws.setPayload(payload(job));
        return jws;
    }

    private static String payload(Job job) {
        return new String(job.octets("payload"), StandardCharsets.UTF_8);
    }

}
