package dev.products;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.SecurityProperties;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.hibernate.autoconfigure.HibernateJpaAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.FilterType;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.web.SecurityFilterChain;

/** The subgraph that Apollo's compatibility tests require, with DGS and our entity resolver. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(SecurityProperties.class)
@EnableAutoConfiguration(
        exclude = {DataSourceAutoConfiguration.class, HibernateJpaAutoConfiguration.class, FlywayAutoConfiguration.class
        })
@ComponentScan(
        basePackages = {"dev.products", "dev.userdirectory.graphql.federation"},
        excludeFilters =
                @ComponentScan.Filter(type = FilterType.REGEX, pattern = ".*\\.(SubgraphSchema|Scalars|SchemaText)"))
public class ProductsApplication {
    public record ProductVariation(String id) {}

    public record ProductDimension(String size, double weight, String unit) {}

    public record CaseStudy(String caseNumber, String description) {}

    public record ProductResearch(CaseStudy study, @Nullable String outcome) {}

    public record User(
            String email,
            String name,
            @Nullable Integer totalProductsCreated,
            @Nullable Integer yearsOfEmployment) {
        public @Nullable Integer getAverageProductsCreatedPerYear() {
            return totalProductsCreated == null || yearsOfEmployment == null
                    ? null
                    : Math.round((float) totalProductsCreated / yearsOfEmployment);
        }
    }

    public record Product(
            String id, String sku, String packageName, ProductVariation variation, List<ProductResearch> research) {
        public String getPackage() {
            return packageName;
        }

        public ProductDimension getDimensions() {
            return new ProductDimension("small", 1, "kg");
        }

        public User getCreatedBy() {
            return JANE;
        }
    }

    public record DeprecatedProduct(String sku, String packageName, String reason) {
        public String getPackage() {
            return packageName;
        }

        public User getCreatedBy() {
            return JANE;
        }
    }

    public record Inventory(String id) {
        public List<DeprecatedProduct> getDeprecatedProducts() {
            return List.of(DEPRECATED);
        }
    }

    private static final User JANE = new User("support@apollographql.com", "Jane Smith", 1337, 10);
    private static final DeprecatedProduct DEPRECATED =
            new DeprecatedProduct("apollo-federation-v1", "@apollo/federation-v1", "Migrate to Federation V2");
    private static final ProductResearch FEDERATION_STUDY =
            new ProductResearch(new CaseStudy("1234", "Federation Study"), null);
    private static final ProductResearch STUDIO_STUDY =
            new ProductResearch(new CaseStudy("1235", "Studio Study"), null);
    private static final List<Product> PRODUCTS = List.of(
            new Product(
                    "apollo-federation",
                    "federation",
                    "@apollo/federation",
                    new ProductVariation("OSS"),
                    List.of(FEDERATION_STUDY)),
            new Product("apollo-studio", "studio", "", new ProductVariation("platform"), List.of(STUDIO_STUDY)));

    @Bean
    SecurityFilterChain open(HttpSecurity http) {
        return http.csrf(AbstractHttpConfigurer::disable)
                .authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
                .build();
    }

    /** Stands in for our filters and pipeline, which run before federated tracing. */
    @Bean
    Filter noteOperation() {
        return (request, response, chain) -> {
            Operation.of((HttpServletRequest) request);
            chain.doFilter(request, response);
        };
    }

    @Bean
    WebGraphQlInterceptor passOperationOn() {
        return (request, chain) -> {
            request.configureExecutionInput(
                    (input, builder) -> builder.graphQLContext(Map.of(Operation.class, Operation.of(request)))
                            .build());
            return chain.next(request);
        };
    }

    @DgsComponent
    public static class Fetchers {
        @DgsQuery
        @Nullable
        Product product(@InputArgument String id) {
            return entityOfProduct(Map.of("id", id), null);
        }

        @DgsQuery
        @Nullable
        DeprecatedProduct deprecatedProduct(@InputArgument String sku, @InputArgument("package") String name) {
            return entityOfDeprecatedProduct(Map.of("sku", sku, "package", name), null);
        }

        @DgsEntityFetcher(name = "Product")
        public @Nullable Product entityOfProduct(Map<String, Object> key, @Nullable DgsDataFetchingEnvironment env) {
            return PRODUCTS.stream()
                    .filter(product -> product.id().equals(key.get("id"))
                            || (product.sku().equals(key.get("sku"))
                                    && (product.packageName().equals(key.get("package"))
                                            || variation(product).equals(key.get("variation")))))
                    .findFirst()
                    .orElse(null);
        }

        private static Map<String, String> variation(Product product) {
            return Map.of("id", product.variation().id());
        }

        @DgsEntityFetcher(name = "DeprecatedProduct")
        public @Nullable DeprecatedProduct entityOfDeprecatedProduct(
                Map<String, Object> key, @Nullable DgsDataFetchingEnvironment env) {
            return DEPRECATED.sku().equals(key.get("sku"))
                            && DEPRECATED.packageName().equals(key.get("package"))
                    ? DEPRECATED
                    : null;
        }

        @DgsEntityFetcher(name = "ProductResearch")
        public @Nullable ProductResearch research(Map<String, Object> key, DgsDataFetchingEnvironment env) {
            return Stream.of(FEDERATION_STUDY, STUDIO_STUDY)
                    .filter(research -> Objects.equals(
                            key.get("study"),
                            Map.of("caseNumber", research.study().caseNumber())))
                    .findFirst()
                    .orElse(null);
        }

        @DgsEntityFetcher(name = "User")
        public @Nullable User user(Map<String, Object> key, DgsDataFetchingEnvironment env) {
            return JANE.email().equals(key.get("email"))
                    ? new User(JANE.email(), JANE.name(), (Integer) key.get("totalProductsCreated"), (Integer)
                            key.get("yearsOfEmployment"))
                    : null;
        }

        @DgsEntityFetcher(name = "Inventory")
        public Inventory inventory(Map<String, Object> key, DgsDataFetchingEnvironment env) {
            return new Inventory(String.valueOf(key.get("id")));
        }
    }
}
