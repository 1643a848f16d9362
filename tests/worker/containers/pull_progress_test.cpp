#include "worker/containers/docker/pull_progress.hpp"

#include <doctest/doctest.h>

using namespace stoker;

namespace {

const std::string stream =
    R"({"status":"Pulling from library/x","id":"latest"})"
    "\r\n"
    R"({"status":"Downloading","progressDetail":{"current":10,"total":100},"id":"aa"})"
    "\r\n"
    R"({"status":"Downloading","progressDetail":{"current":5,"total":50},"id":"bb"})"
    "\r\n"
    R"({"status":"Downloading","progressDetail":{"current":100,"total":100},"id":"aa"})"
    "\r\n"
    R"({"status":"Extracting","progressDetail":{"current":1,"total":100},"id":"aa"})"
    "\r\n";

}  // namespace

TEST_CASE("PullProgress: the bytes of all layers are summed up, wherever the stream is cut") {
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        PullProgressParser parser;
        parser.feed(stream.substr(0, cut));
        parser.feed(stream.substr(cut));
        parser.finish();
        CHECK(parser.progress().status == "Extracting");
        CHECK(parser.progress().bytes_done == 105);
        CHECK(parser.progress().bytes_total == 150);
        CHECK_FALSE(parser.error());
    }
}

TEST_CASE("PullProgress: layers are counted, and those that are done") {
    PullProgressParser parser;
    for (const std::string line :
         {R"({"status":"Pulling from library/x","id":"latest"})",
          R"({"status":"Already exists","id":"aa"})",
          R"({"status":"Pulling fs layer","id":"bb"})",
          R"({"status":"Downloading","progressDetail":{"current":3,"total":9},"id":"bb"})"}) {
        parser.feed(line + "\n");
    }
    CHECK(
        parser.progress() ==
        PullProgress{
            .status = "Downloading",
            .bytes_done = 3,
            .bytes_total = 9,
            .layers_done = 1,
            .layers_total = 2
        }
    );
    parser.feed("{\"status\":\"Download complete\",\"id\":\"bb\"}\n");
    CHECK(parser.progress().bytes_done == 9);
    CHECK(parser.progress().layers_done == 1);
    for (int times = 0; times < 2; ++times) {
        parser.feed("{\"status\":\"Pull complete\",\"id\":\"bb\"}\n");
        CHECK(parser.progress().layers_done == 2);
    }
}

TEST_CASE("PullProgress: news come with whole lines only") {
    PullProgressParser parser;
    CHECK_FALSE(parser.feed(R"({"status":"Wait)"));
    CHECK(parser.feed("ing\"}\n"));
    CHECK(parser.progress().status == "Waiting");
}

TEST_CASE("PullProgress: an error inside the stream is found, with or without a newline after it") {
    for (const std::string end : {"\r\n", "\n", ""}) {
        PullProgressParser parser;
        parser.feed(stream);
        parser.feed(R"({"errorDetail":{"message":"no space left"},"error":"no space left"})" + end);
        parser.finish();
        CHECK(parser.error() == "no space left");
    }
    PullProgressParser parser;
    parser.feed("{\"errorDetail\":{\"message\":\"only here\"}}\n");
    CHECK(parser.error() == "only here");
}

TEST_CASE("PullProgress: lines of other shapes are passed over") {
    PullProgressParser parser;
    parser.feed("\n[]\n12\nnull\nnot json\n{\"status\":null,\"error\":null,\"id\":3}\n");
    parser.feed("{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":{\"current\":-5}}\n");
    parser.feed("{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":{\"current\":\"x\"}}\n"
    );
    CHECK_FALSE(parser.error());
    CHECK(parser.progress().bytes_done == 0);
    parser.feed("{\"status\":\"" + std::string(200'000, 'x'));
    parser.feed("\"}\n" + stream);
    CHECK(parser.progress().bytes_done == 105);
}
