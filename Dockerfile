# The same base trains and uses the AOT cache, which is valid only for one JVM and one kind of object headers.
ARG JAVA=25

FROM eclipse-temurin:${JAVA}-jdk AS build
WORKDIR /build
COPY .mvn .mvn
COPY mvnw pom.xml ./
# Downloads of Maven are kept between builds.
RUN --mount=type=cache,target=/root/.m2 \
    ./mvnw -q -B dependency:copy-dependencies -DincludeScope=test -DoutputDirectory=target/test-lib
COPY src/main src/main
COPY db/migration db/migration
ARG VERSION=0.1.0-SNAPSHOT
RUN --mount=type=cache,target=/root/.m2 \
    ./mvnw -q -B package -Drevision=${VERSION#v} -Dmaven.test.skip -Dexec.skip -Dspotless.check.skip \
    && java -Djarmode=tools -jar target/user-directory-*.jar extract --layers --destination target/layers \
      --application-filename user-directory.jar
# Compiles only the tests and benchmarks that the training needs.
COPY src/test/java src/test/java
COPY src/benchmark/java src/benchmark/java
RUN javac -proc:none -d target/training -cp 'target/classes:target/test-lib/*' \
      --source-path src/test/java:src/benchmark/java src/benchmark/java/dev/userdirectory/AotCache.java

FROM eclipse-temurin:${JAVA}-jre AS service
# The PostgreSQL of the training requires that its user has a name.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin directory
COPY --from=build /build/target/layers/dependencies/ /app/
COPY --from=build /build/target/layers/snapshot-dependencies/ /app/
COPY --from=build /build/target/layers/application/ /app/
# Health and metrics have a separate port and threads, which a flood of requests cannot block.
ENV MANAGEMENT_SERVER_PORT=8081

# Runs real queries against a real PostgreSQL (which refuses to run as root), and stores the resulting AOT cache.
FROM service AS training
COPY --from=build /build/target/test-lib /training/lib
COPY --from=build /build/target/training /training/classes
COPY db/sample /training/classes/db/sample
RUN mkdir /cache && chown directory /cache
USER 10001:10001
RUN java -cp '/training/classes:/training/lib/*' dev.userdirectory.AotCache /app/user-directory.jar /cache/user-directory.aot

FROM service
LABEL org.opencontainers.image.title="User Directory" \
      org.opencontainers.image.description="Users and groups in PostgreSQL, as a GraphQL API and an Apollo Federation subgraph" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=training /cache/user-directory.aot /app/
USER 10001:10001
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 \
  CMD ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx16m", "-cp", "/app/user-directory.jar", "dev.userdirectory.HealthCheck"]
ENTRYPOINT ["java", "-XX:+UseCompactObjectHeaders", "-XX:AOTCache=/app/user-directory.aot", "-XX:MaxRAMPercentage=60", "-XX:+ExitOnOutOfMemoryError", "-jar", "/app/user-directory.jar"]
