package com.example;

import java.util.Map;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.client.RestClient;

/** Gives a token to anyone. In production, use your identity provider, with a secret that only this program has. */
final class LocalIdentityProvider {
    private LocalIdentityProvider() {}

    static String signIn(String url, String client) {
        MultiValueMap<String, String> form = new LinkedMultiValueMap<>();
        form.add("grant_type", "client_credentials");
        form.add("client_id", client);
        form.add("client_secret", "secret");
        form.add("scope", "users:read users:write");
        return (String) RestClient.create(url)
                .post()
                .body(form)
                .retrieve()
                .body(Map.class)
                .get("access_token");
    }
}
