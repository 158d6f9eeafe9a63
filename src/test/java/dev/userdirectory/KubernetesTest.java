package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.yaml.snakeyaml.Yaml;

/** Checks the manifests of {@code deploy/kubernetes} against Kubernetes' own API types and against each other. */
class KubernetesTest {
    private static final Path BASE = Path.of("deploy", "kubernetes");
    private static final Set<String> KUSTOMIZATION = Set.of("apiVersion", "kind", "resources", "images");

    @Test
    void everyManifestIsWhatKubernetesTakes() {
        assertThat(resources()).hasSize(6).allSatisfy(KubernetesTest::validate);
    }

    @ParameterizedTest
    @CsvSource({
        "replicas: 1, replica: 1, replica",
        "readinessProbe:, readynessProbe:, readynessProbe",
        "topologyKey: kubernetes.io/hostname, topology: kubernetes.io/hostname, topology",
        "name: tmp, nam: tmp, nam",
        "containerPort: 8080, containerPort: http, http",
        "periodSeconds: 5, periodSeconds: often, often",
    })
    void misspeltManifestFails(String right, String wrong, String named) {
        String manifest = read(BASE.resolve("deployment.yaml")).replace("spec:\n  #", "spec:\n  replicas: 1\n  #");
        validate(parse(manifest));
        assertThat(manifest).contains(right);
        assertThatThrownBy(() -> validate(parse(manifest.replace(right, wrong))))
                .hasStackTraceContaining(named);
    }

    @Test
    void kustomizationListsEveryManifestThereIs() throws IOException {
        JsonObject kustomization = parse(read(BASE.resolve("kustomization.yaml")));
        assertThat(KUSTOMIZATION).containsAll(kustomization.keySet());
        assertThat(kustomization.get("kind").getAsString()).isEqualTo("Kustomization");
        try (Stream<Path> files = Files.list(BASE)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Stream.concat(listed(), Stream.of("kustomization.yaml"))
                            .toList());
        }
        assertThat(kustomization.getAsJsonArray("images"))
                .extracting(image -> image.getAsJsonObject().get("name").getAsString())
                .containsExactly(text(container(), "image"));
    }

    @Test
    void selectorsMeetThePods() {
        JsonObject labels = object(deployment(), "spec", "template", "metadata", "labels");
        JsonArray constraints = array(pod(), "topologySpreadConstraints");
        Stream.concat(
                        Stream.of(
                                object(deployment(), "spec", "selector", "matchLabels"),
                                object(resource("Service"), "spec", "selector"),
                                object(resource("PodDisruptionBudget"), "spec", "selector", "matchLabels"),
                                object(resource("NetworkPolicy"), "spec", "podSelector", "matchLabels")),
                        constraints.asList().stream()
                                .map(constraint -> object(constraint, "labelSelector", "matchLabels")))
                .forEach(selector -> assertThat(labels.entrySet()).containsAll(selector.entrySet()));
        JsonObject target = object(resource("HorizontalPodAutoscaler"), "spec", "scaleTargetRef");
        assertThat(text(target, "name")).isEqualTo(text(object(deployment(), "metadata"), "name"));
        assertThat(object(deployment(), "spec").has("replicas")).as("replicas").isFalse();
    }

    @Test
    void podsAreOfTheRestrictedKind() {
        JsonObject pod = object(pod(), "securityContext");
        assertThat(pod.get("runAsNonRoot").getAsBoolean()).isTrue();
        assertThat(text(object(pod, "seccompProfile"), "type")).isEqualTo("RuntimeDefault");
        assertThat(containers()).hasSize(2).allSatisfy(container -> {
            JsonObject context = object(container, "securityContext");
            assertThat(context.get("allowPrivilegeEscalation").getAsBoolean()).isFalse();
            assertThat(context.get("readOnlyRootFilesystem").getAsBoolean()).isTrue();
            assertThat(array(object(context, "capabilities"), "drop").toString())
                    .isEqualTo("[\"ALL\"]");
            assertThat(array(container, "volumeMounts").toString()).contains("\"/tmp\"");
        });
    }

    @Test
    void migratesBeforeItServes() {
        assertThat(containers().getFirst().get("args").toString()).isEqualTo("[\"migrate\"]");
        assertThat(array(pod(), "initContainers")).hasSize(1);
        assertThat(container().get("args").toString()).isEqualTo("[\"--spring.flyway.enabled=false\"]");
    }

    @Test
    void probesAskThePortThatTheImageHasForThem() {
        Map<String, Integer> ports = array(container(), "ports").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .collect(Collectors.toMap(
                        port -> text(port, "name"),
                        port -> port.get("containerPort").getAsInt()));
        assertThat(ports.keySet()).containsExactlyInAnyOrder("http", "management");
        assertThat(Stream.of("startupProbe", "livenessProbe", "readinessProbe")
                        .map(probe -> text(object(container(), probe, "httpGet"), "port")))
                .containsOnly("management");
        String image = read(Path.of("Dockerfile"));
        assertThat(image)
                .contains("ENV MANAGEMENT_SERVER_PORT=" + ports.get("management") + "\n")
                .contains("EXPOSE " + ports.get("http") + " " + ports.get("management") + "\n");
        assertThat(read(Path.of("deploy", "observe", "prometheus.yaml")))
                .contains("port: " + ports.get("management") + "\n");
        assertThat(array(object(resource("Service"), "spec"), "ports").toString())
                .doesNotContain("management");
    }

    @Test
    void graceOutlastsPauseAndDrain() {
        int pause = object(container(), "lifecycle", "preStop", "sleep")
                .get("seconds")
                .getAsInt();
        int drain = 6 + 30; // Draining, and spring.lifecycle.timeout-per-shutdown-phase
        assertThat(pod().get("terminationGracePeriodSeconds").getAsInt()).isGreaterThan(pause + drain);
    }

    private static void validate(JsonObject manifest) {
        Map<String, Class<?>> types = Map.of(
                "v1 ConfigMap", V1ConfigMap.class,
                "v1 Service", V1Service.class,
                "apps/v1 Deployment", V1Deployment.class,
                "policy/v1 PodDisruptionBudget", V1PodDisruptionBudget.class,
                "autoscaling/v2 HorizontalPodAutoscaler", V2HorizontalPodAutoscaler.class,
                "networking.k8s.io/v1 NetworkPolicy", V1NetworkPolicy.class);
        String kind = text(manifest, "apiVersion") + " " + text(manifest, "kind");
        Class<?> type = types.get(kind);
        assertThat(type).as(kind).isNotNull();
        try {
            type.getMethod("validateJsonElement", JsonElement.class).invoke(null, manifest);
            type.getMethod("fromJson", String.class).invoke(null, manifest.toString());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(kind, e.getCause());
        }
    }

    private static List<JsonObject> resources() {
        return listed().map(file -> parse(read(BASE.resolve(file)))).toList();
    }

    private static Stream<String> listed() {
        return array(parse(read(BASE.resolve("kustomization.yaml"))), "resources").asList().stream()
                .map(JsonElement::getAsString);
    }

    private static JsonObject resource(String kind) {
        List<JsonObject> found = new ArrayList<>(resources());
        found.removeIf(manifest -> !text(manifest, "kind").equals(kind));
        assertThat(found).as(kind).hasSize(1);
        return found.getFirst();
    }

    private static JsonObject deployment() {
        return resource("Deployment");
    }

    private static JsonObject pod() {
        return object(deployment(), "spec", "template", "spec");
    }

    private static List<JsonObject> containers() {
        return Stream.of("initContainers", "containers")
                .flatMap(field -> array(pod(), field).asList().stream())
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    private static JsonObject container() {
        return containers().getLast();
    }

    private static JsonObject object(JsonElement json, String... path) {
        JsonObject object = json.getAsJsonObject();
        for (String field : path) {
            object = object.getAsJsonObject(field);
            assertThat(object).as(field).isNotNull();
        }
        return object;
    }

    private static JsonArray array(JsonObject json, String field) {
        assertThat(json.has(field)).as(field).isTrue();
        return json.getAsJsonArray(field);
    }

    private static String text(JsonObject json, String field) {
        return json.get(field).getAsString();
    }

    private static JsonObject parse(String yaml) {
        return new Gson().toJsonTree(new Yaml().<Object>load(yaml)).getAsJsonObject();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
