# The same base trains the AOT cache and runs it: a cache is good for one JVM alone.
ARG JAVA=25

FROM eclipse-temurin:${JAVA}-jdk AS build
WORKDIR /build
COPY .mvn .mvn
COPY mvnw pom.xml ./
RUN ./mvnw -q -B dependency:resolve dependency:resolve-plugins
COPY src src
COPY db db
RUN ./mvnw -q -B package dependency:copy-dependencies -DskipTests -Dspotless.check.skip \
      -DincludeScope=test -DoutputDirectory=target/test-lib \
    && java -Djarmode=tools -jar target/user-directory-*.jar extract --layers --destination target/layers \
      --application-filename user-directory.jar

FROM eclipse-temurin:${JAVA}-jre AS service
# PostgreSQL, in training, wants its user to have a name.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin directory
COPY --from=build /build/target/layers/dependencies/ /app/
COPY --from=build /build/target/layers/snapshot-dependencies/ /app/
COPY --from=build /build/target/layers/application/ /app/
# Health and metrics have a port and threads of their own, which no flood of requests keeps busy.
ENV MANAGEMENT_SERVER_PORT=8081

# Runs real queries on a real PostgreSQL (which refuses to run as root), and keeps what the JVM learned.
FROM service AS training
COPY --from=build /build/target/test-classes /training/classes
COPY --from=build /build/target/test-lib /training/lib
RUN mkdir /cache && chown directory /cache
USER 10001:10001
RUN java -cp '/training/classes:/training/lib/*' dev.userdirectory.StartUp /app/user-directory.jar /cache/user-directory.aot

FROM service
LABEL org.opencontainers.image.title="User Directory" \
      org.opencontainers.image.description="Users and groups in PostgreSQL, as a GraphQL API and an Apollo Federation subgraph" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=training /cache/user-directory.aot /app/
USER 10001:10001
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 \
  CMD ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx16m", "-cp", "/app/user-directory.jar", "dev.userdirectory.HealthCheck"]
ENTRYPOINT ["java", "-XX:AOTCache=/app/user-directory.aot", "-XX:MaxRAMPercentage=60", "-XX:+ExitOnOutOfMemoryError", "-jar", "/app/user-directory.jar"]
