package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Ingress;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.yaml.snakeyaml.Yaml;

/** Checks the manifests in {@code deploy/kubernetes} against the Kubernetes API types and against each other. */
class KubernetesTest {
    private static final Path FILES = Path.of("deploy", "kubernetes");
    private static final Path BASE = FILES.resolve("base");
    private static final Path EXAMPLE = FILES.resolve("example");
    private static final String KUSTOMIZATION = "kustomization.yaml";
    private static final Set<String> FIELDS = Set.of(
            "apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "images", "patches");
    /** The kinds of the Prometheus Operator, which is not part of Kubernetes. */
    private static final Set<String> CUSTOM = Set.of("ServiceMonitor", "PrometheusRule");

    @Test
    void everyManifestConformsToTheKubernetesApi() {
        assertThat(resources()).hasSize(5);
        assertThat(manifests())
                .hasSizeGreaterThan(10)
                .filteredOn(manifest -> !CUSTOM.contains(text(manifest, "kind")))
                .allSatisfy(KubernetesTest::validate);
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
    void kustomizationsListEveryManifest() {
        assertThat(kustomizations()).hasSize(5).allSatisfy(folder -> {
            JsonObject kustomization = kustomization(folder);
            assertThat(FIELDS).containsAll(kustomization.keySet());
            assertThat(text(kustomization, "kind"))
                    .isEqualTo(folder.getParent().endsWith("components") ? "Component" : "Kustomization");
            if (!folder.equals(EXAMPLE)) {
                try (Stream<Path> files = Files.list(folder)) {
                    assertThat(files.map(file -> file.getFileName().toString()))
                            .containsExactlyInAnyOrderElementsOf(
                                    Stream.concat(listed(folder, "resources"), Stream.of(KUSTOMIZATION))
                                            .toList());
                }
            }
        });
        assertThat(kustomization(BASE).getAsJsonArray("images"))
                .extracting(image -> text(image.getAsJsonObject(), "name"))
                .containsExactly(text(container(), "image"));
    }

    @Test
    void exampleUsesTheBaseAndEveryComponent() throws IOException {
        List<Path> used = Stream.of("resources", "components")
                .flatMap(field -> listed(EXAMPLE, field))
                .map(path -> EXAMPLE.resolve(path).normalize())
                .toList();
        try (Stream<Path> components = Files.list(FILES.resolve("components"))) {
            assertThat(used)
                    .containsExactlyInAnyOrderElementsOf(
                            Stream.concat(Stream.of(BASE), components).toList());
        }
        assertThat(array(kustomization(EXAMPLE), "patches")).hasSize(5).allSatisfy(patch -> {
            JsonObject target = object(patch, "target");
            JsonObject patched = used.stream()
                    .flatMap(KubernetesTest::resources)
                    .filter(manifest -> text(manifest, "kind").equals(text(target, "kind")))
                    .filter(manifest ->
                            text(object(manifest, "metadata"), "name").equals(text(target, "name")))
                    .findFirst()
                    .orElseThrow();
            List<Map<String, Object>> operations = new Yaml().load(text(patch.getAsJsonObject(), "patch"));
            assertThat(operations)
                    .isNotEmpty()
                    .allSatisfy(operation ->
                            assertThat(at(patched, pathThatExists(operation))).isNotNull());
        });
    }

    /** The path that the operation of a patch replaces, or the object that it adds to. */
    private static String pathThatExists(Map<String, Object> operation) {
        String path = String.valueOf(operation.get("path"));
        return "add".equals(operation.get("op")) ? path.substring(0, path.lastIndexOf('/')) : path;
    }

    /** Kustomize appends a hash of the configuration to its name, and writes that name into the pods' template. */
    @Test
    void changeOfTheConfigurationRollsThePods() {
        JsonObject generated =
                array(kustomization(BASE), "configMapGenerator").get(0).getAsJsonObject();
        assertThat(containers())
                .allSatisfy(container -> assertThat(
                                text(object(array(container, "envFrom").get(0), "configMapRef"), "name"))
                        .isEqualTo(text(generated, "name")));
        JsonObject merged =
                array(kustomization(EXAMPLE), "configMapGenerator").get(0).getAsJsonObject();
        assertThat(text(merged, "behavior")).isEqualTo("merge");
        assertThat(names(generated)).containsAll(names(merged));
    }

    private static List<String> names(JsonObject configMap) {
        return array(configMap, "literals").asList().stream()
                .map(literal -> literal.getAsString().split("=", 2)[0])
                .toList();
    }

    @Test
    void onlyTheMigrationKnowsThePasswordOfTheOwner() {
        assertThat(containers().stream().map(container -> secrets(container)))
                .containsExactly(Set.of("user-directory-database-owner"), Set.of("user-directory-database"));
    }

    private static Set<String> secrets(JsonObject container) {
        return array(container, "env").asList().stream()
                .map(variable -> text(object(variable, "valueFrom", "secretKeyRef"), "name"))
                .collect(Collectors.toSet());
    }

    @Test
    void alertsOfTheOperatorAreThoseOfPrometheus() {
        JsonObject rule = parse(read(FILES.resolve("components/monitoring/prometheusrule.yaml")));
        assertThat(rule.get("spec")).isEqualTo(parse(read(Path.of("deploy", "observe", "alerts.yaml"))));
    }

    @Test
    void ingressLeadsToTheService() {
        JsonObject ingress = one(resources(FILES.resolve("components/ingress")).toList(), "Ingress");
        JsonObject rule = array(object(ingress, "spec"), "rules").get(0).getAsJsonObject();
        JsonObject backend = object(array(object(rule, "http"), "paths").get(0), "backend", "service");
        assertThat(text(backend, "name")).isEqualTo(text(object(resource("Service"), "metadata"), "name"));
        assertThat(array(object(resource("Service"), "spec"), "ports"))
                .extracting(port -> port.getAsJsonObject().get("name"))
                .contains(object(backend, "port").get("name"));
    }

    @Test
    void serviceMonitorFindsTheManagementPort() {
        List<JsonObject> manifests =
                resources(FILES.resolve("components/monitoring")).toList();
        JsonObject service = one(manifests, "Service");
        JsonObject monitor = object(one(manifests, "ServiceMonitor"), "spec");
        assertThat(object(service, "metadata", "labels").entrySet())
                .containsAll(object(monitor, "selector", "matchLabels").entrySet());
        // The service's own address does not expose metrics.
        assertThat(object(resource("Service"), "metadata", "labels").has("app.kubernetes.io/component"))
                .isFalse();
        assertThat(text(array(monitor, "endpoints").get(0).getAsJsonObject(), "port"))
                .isEqualTo(text(array(object(service, "spec"), "ports").get(0).getAsJsonObject(), "name"));
        assertThat(text(object(service, "metadata", "labels"), text(monitor, "jobLabel")))
                .isEqualTo("user-directory");
    }

    @Test
    void documentationStatesTheNumberOfPods() {
        JsonObject scaling = object(resource("HorizontalPodAutoscaler"), "spec");
        assertThat(read(Path.of("docs", "deploy.md")))
                .contains(
                        "| scaling | %s to %s pods".formatted(scaling.get("minReplicas"), scaling.get("maxReplicas")));
    }

    @Test
    void selectorsMatchThePodLabels() {
        JsonObject labels = object(deployment(), "spec", "template", "metadata", "labels");
        Stream<JsonObject> ofManifests = manifests().flatMap(manifest -> switch (text(manifest, "kind")) {
            case "Service" -> Stream.of(object(manifest, "spec", "selector"));
            case "NetworkPolicy" -> Stream.of(object(manifest, "spec", "podSelector", "matchLabels"));
            case "Deployment", "PodDisruptionBudget" -> Stream.of(object(manifest, "spec", "selector", "matchLabels"));
            default -> Stream.of();
        });
        Stream<JsonObject> ofConstraints = array(pod(), "topologySpreadConstraints").asList().stream()
                .map(constraint -> object(constraint, "labelSelector", "matchLabels"));
        assertThat(Stream.concat(ofManifests, ofConstraints))
                .hasSizeGreaterThan(8)
                .allSatisfy(selector -> assertThat(labels.entrySet()).containsAll(selector.entrySet()));
        JsonObject target = object(resource("HorizontalPodAutoscaler"), "spec", "scaleTargetRef");
        assertThat(text(target, "name")).isEqualTo(text(object(deployment(), "metadata"), "name"));
        assertThat(object(deployment(), "spec").has("replicas")).as("replicas").isFalse();
    }

    @Test
    void podsMeetTheRestrictedSecurityStandard() {
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
    void probesUseTheManagementPortOfTheImage() {
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
                "v1 Service", V1Service.class,
                "apps/v1 Deployment", V1Deployment.class,
                "policy/v1 PodDisruptionBudget", V1PodDisruptionBudget.class,
                "autoscaling/v2 HorizontalPodAutoscaler", V2HorizontalPodAutoscaler.class,
                "networking.k8s.io/v1 Ingress", V1Ingress.class,
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
        return resources(BASE).toList();
    }

    /** The manifests of the base and all components. */
    private static Stream<JsonObject> manifests() {
        return kustomizations().flatMap(KubernetesTest::resources);
    }

    private static Stream<JsonObject> resources(Path folder) {
        return folder.equals(EXAMPLE)
                ? Stream.of()
                : listed(folder, "resources").map(file -> parse(read(folder.resolve(file))));
    }

    /** The folders with a kustomization: the base, the components and the example. */
    private static Stream<Path> kustomizations() {
        try (Stream<Path> files = Files.walk(FILES)) {
            return files.filter(file -> file.endsWith(KUSTOMIZATION)).map(Path::getParent).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonObject kustomization(Path folder) {
        return parse(read(folder.resolve(KUSTOMIZATION)));
    }

    private static Stream<String> listed(Path folder, String field) {
        return array(kustomization(folder), field).asList().stream().map(JsonElement::getAsString);
    }

    private static JsonObject resource(String kind) {
        return one(resources(), kind);
    }

    private static JsonObject one(List<JsonObject> manifests, String kind) {
        List<JsonObject> found = manifests.stream()
                .filter(manifest -> text(manifest, "kind").equals(kind))
                .toList();
        assertThat(found).as(kind).hasSize(1);
        return found.getFirst();
    }

    /** The element at a JSON pointer. */
    private static JsonElement at(JsonElement json, String pointer) {
        JsonElement element = json;
        for (String step : pointer.substring(1).split("/", -1)) {
            element = element.isJsonArray()
                    ? element.getAsJsonArray().get(Integer.parseInt(step))
                    : element.getAsJsonObject().get(step.replace("~1", "/"));
        }
        return element;
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
