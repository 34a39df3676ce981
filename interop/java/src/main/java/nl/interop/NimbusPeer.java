package nl.interop;

import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.text.ParseException;
import java.util.Map;
import java.util.Set;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;

/** Nimbus JOSE+JWT: critical parameters that the caller processes are deferred to it. */
final class NimbusPeer implements Peer {

    private static final Set<String> DEFERRED = Set.of("sigD");

    @Override
    public String name() {
        return "Nimbus JOSE+JWT";
    }

    @Override
    public String version() throws Exception {
        return Job.versionOf("com.nimbusds", "nimbus-jose-jwt");
    }

    @Override
    public String sign(Job job) throws Exception {
        JWSObject jws = new JWSObject(JWSHeader.parse(job.object("header")), new Payload(job.octets("payload")));
        boolean elliptic = "ES256".equals(job.text("alg"));
        JWSSigner signer = elliptic ? new ECDSASigner(job.key(), Curve.P_256) : new RSASSASigner(job.key());
        jws.sign(signer);
        return jws.serialize(true);
    }

    @Override
    public Map<String, Object> verify(Job job) throws Exception {
        boolean elliptic = "ES256".equals(job.text("alg"));
        JWSVerifier verifier = elliptic
                ? new ECDSAVerifier((ECPublicKey) job.leaf().getPublicKey(), DEFERRED)
                : new RSASSAVerifier((RSAPublicKey) job.leaf().getPublicKey(), DEFERRED);
        try {
            JWSObject jws = JWSObject.parse(job.text("value"), new Payload(job.octets("payload")));
            return jws.verify(verifier)
                    ? Map.of("valid", true)
                    : Map.of("valid", false, "reason", "verify: false");
        } catch (JOSEException | ParseException refusal) {
            return Map.of("valid", false, "reason", refusal.getClass().getSimpleName() + ": " + refusal.getMessage());
        }
    }
}
