package dev.userdirectory.token;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.SocketClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service trusts an issuer that has an RSA and an EC key, and accepts tokens for `user-directory`. */
@DirectoryTest
class BearerTokenTest {
    private static final String GUARDED = "{ users { totalCount } }";
    private static final RSAKey RSA = rsa("rsa");
    private static final ECKey EC = ec("ec");
    private static final TestIssuer ISSUER = new TestIssuer(RSA.toPublicJWK(), EC.toPublicJWK());

    @Autowired
    Client client;

    @Autowired
    Statements statements;

    @DynamicPropertySource
    static void trustIssuer(DynamicPropertyRegistry registry) {
        ISSUER.start();
        registry.add("spring.security.oauth2.resourceserver.jwt.issuer-uri", ISSUER::uri);
        registry.add("spring.security.oauth2.resourceserver.jwt.audiences", () -> "user-directory");
    }

    static Stream<Named<String>> goodTokens() {
        return Stream.of(
                Named.of("RS256", sign(claims())),
                Named.of("ES256", Tokens.sign(claims().build(), JWSAlgorithm.ES256, EC)),
                Named.of("for several audiences", sign(claims().audience(List.of("another", "user-directory")))),
                Named.of(
                        "with scp as a list", sign(claims().claim("scope", null).claim("scp", List.of("users:read")))),
                Named.of(
                        "with scp as a string",
                        sign(claims().claim("scope", null).claim("scp", "users:read other"))),
                Named.of(
                        "with scopes in both claims",
                        sign(claims().claim("scope", "other").claim("scp", List.of("users:read")))),
                Named.of(
                        "with scopes in both claims, the other way round",
                        sign(claims().claim("scope", List.of("users:read")).claim("scp", "other"))),
                Named.of(
                        "with scopes that are no text beside one that is",
                        sign(claims().claim(
                                        "scope",
                                        Arrays.asList(1, null, true, Map.of("a", 1), List.of(), "users:read")))),
                Named.of(
                        "with a scope that is a number",
                        sign(claims().claim("scope", 5).claim("scp", List.of("users:read")))),
                Named.of("of nobody", sign(claims().subject(null))),
                Named.of("of RFC 9068", sign(header().type(new JOSEObjectType("at+jwt")), claims())),
                Named.of("of no type", sign(header().type(null), claims())),
                Named.of("that names no key", sign(header().keyID(null), claims())),
                Named.of("just valid", sign(claims().notBeforeTime(in(0)))));
    }

    @ParameterizedTest
    @MethodSource("goodTokens")
    void acceptsValidToken(String token) {
        assertThat(client.withToken(token).data(GUARDED).at("/users/totalCount").isInt())
                .isTrue();
    }

    /** RFC 6750 2.1: {@code "Bearer" 1*SP b64token}. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            'Bearer '       | true
            'Bearer  '      | true
            'bearer       ' | true
            'Bearer'        | false
            'Bearer	'      | false
            """)
    void acceptsOneOrMoreSpacesAfterTheScheme(String scheme, boolean taken) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Authorization", scheme + sign(claims()))
                .POST(HttpRequest.BodyPublishers.ofString("{\"query\":\"" + GUARDED + "\"}"))
                .build());

        assertThat(response.statusCode()).isEqualTo(taken ? 200 : 401);
    }

    static Stream<List<?>> scopesThatGrantNothing() {
        return Stream.of(
                List.of(1),
                List.of(true, 1.5),
                List.of(Map.of("users:read", "users:read")),
                List.of(List.of("users:read")),
                List.of(" "),
                List.of());
    }

    @ParameterizedTest
    @MethodSource("scopesThatGrantNothing")
    void ignoresScopesThatAreNotText(List<?> scopes) {
        for (String claim : List.of("scope", "scp")) {
            String token = sign(claims().claim("scope", null).claim(claim, scopes));
            assertThat(client.withToken(token)
                            .error(GUARDED, Map.of())
                            .at("/extensions/code")
                            .asString())
                    .isEqualTo("FORBIDDEN");

            try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), token)) {
                socket.subscribe("1", "{ __typename }", Map.of());
                assertThat(socket.expect("next").at("/payload/data/__typename").asString())
                        .isEqualTo("Query");
            }
        }
    }

    static Stream<Arguments> badTokens() throws JOSEException {
        byte[] publicKey = RSA.toRSAPublicKey().getEncoded();
        String pem = "-----BEGIN PUBLIC KEY-----\n" + Base64.getMimeEncoder().encodeToString(publicKey)
                + "\n-----END PUBLIC KEY-----\n";
        return Stream.of(
                refused("expired", sign(claims().expirationTime(in(-1))), "Token expired"),
                refused(
                        "expired before issued",
                        sign(claims().issueTime(in(0)).expirationTime(in(-60))),
                        "Token expired"),
                refused("without exp", sign(claims().expirationTime(null)), "Token without an expiry time"),
                refused("not valid yet", sign(claims().notBeforeTime(in(600))), "Token not valid yet"),
                refused(
                        "of another issuer",
                        sign(claims().issuer("http://localhost:1/users")),
                        "Token of another issuer"),
                refused("of no issuer", sign(claims().issuer(null)), "Token of another issuer"),
                refused("for another audience", sign(claims().audience("another")), "Token for another audience"),
                refused("for no audience", sign(claims().audience((String) null)), "Token for another audience"),
                refused("signed with another key", Tokens.sign(claims().build(), JWSAlgorithm.RS256, rsa("rsa"))),
                refused(
                        "signed with a key nobody knows",
                        Tokens.sign(claims().build(), JWSAlgorithm.RS256, rsa("new"))),
                refused("signed with another EC key", Tokens.sign(claims().build(), JWSAlgorithm.ES256, ec("ec"))),
                refused("with another algorithm", Tokens.sign(claims().build(), JWSAlgorithm.RS512, RSA)),
                refused("with other claims than were signed", tampered()),
                refused("without its signature", sign(claims()).replaceFirst("[^.]+$", "")),
                refused("alg none", new PlainJWT(claims().build()).serialize()),
                refused("HS256 with the public key", hmac(publicKey)),
                refused("HS256 with the public key as PEM", hmac(pem.getBytes(StandardCharsets.UTF_8))),
                refused("of another type", sign(header().type(new JOSEObjectType("dpop+jwt")), claims())),
                refused("garbage", "garbage"),
                refused("every character of the syntax", "aZ09-._~+/=="),
                refused("nothing", "", "Bearer token is malformed"),
                refused("padding alone", "=", "Bearer token is malformed"),
                refused("padding inside", "a=b", "Bearer token is malformed"),
                refused("two words", "a b", "Bearer token is malformed"),
                refused("a comma", "a,b", "Bearer token is malformed"));
    }

    @ParameterizedTest
    @MethodSource("badTokens")
    void rejectsInvalidToken(String token, String problem) {
        statements.clear();

        HttpResponse<String> response = client.withToken(token).post(GUARDED);

        assertThat(response.statusCode()).isEqualTo(401);
        assertThat(response.headers().firstValue("WWW-Authenticate"))
                .contains("Bearer error=\"invalid_token\", error_description=\"" + problem + "\"");
        assertThat(JsonMapper.shared().readTree(response.body()))
                .isEqualTo(JsonMapper.shared()
                        .readTree("{\"errors\":[{\"message\":\"" + problem
                                + "\",\"extensions\":{\"code\":\"UNAUTHENTICATED\"}}]}"));
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void acceptsNoTokenInTheQueryString() {
        HttpRequest request = HttpRequest.newBuilder(client.uri("/graphql?access_token=" + sign(claims())))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"query\":\"" + GUARDED + "\"}"))
                .build();

        JsonNode response =
                JsonMapper.shared().readTree(client.anonymous().send(request).body());

        assertThat(response.at("/errors/0/message").asString()).isEqualTo("Unauthorized");
        assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("UNAUTHENTICATED");
    }

    private static JWTClaimsSet.Builder claims() {
        return Tokens.claims().issuer(ISSUER.uri()).audience("user-directory").claim("scope", "users:read");
    }

    private static JWSHeader.Builder header() {
        return new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("rsa").type(JOSEObjectType.JWT);
    }

    private static String sign(JWTClaimsSet.Builder claims) {
        return sign(header(), claims);
    }

    private static String sign(JWSHeader.Builder header, JWTClaimsSet.Builder claims) {
        try {
            SignedJWT token = new SignedJWT(header.build(), claims.build());
            token.sign(new RSASSASigner(RSA));
            return token.serialize();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static String hmac(byte[] key) throws JOSEException {
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("rsa").build(), claims().build());
        token.sign(new MACSigner(key));
        return token.serialize();
    }

    private static String tampered() {
        String[] parts = sign(claims()).split("\\.");
        String claims =
                claims().claim("scope", "users:read users:write").build().toString();
        parts[1] = Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(StandardCharsets.UTF_8));
        return String.join(".", parts);
    }

    private static Arguments refused(String name, String token) {
        return refused(name, token, "Token malformed, or not signed with a key that is trusted here");
    }

    private static Arguments refused(String name, String token, String problem) {
        return Arguments.of(Named.of(name, token), problem);
    }

    private static Date in(int seconds) {
        return Date.from(Instant.now().plusSeconds(seconds));
    }

    private static RSAKey rsa(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static ECKey ec(String id) {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }
}
