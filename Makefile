# Short names for what the scripts in tools/ and the presets in CMakePresets.json do.
.PHONY: help release demo check bench tsan fuzz man clean

help:
	@echo "make release             build build/release/ursid"
	@echo "make demo                identify the bears in drawn sample frames; see demo/report.html"
	@echo "make demo PHOTOS=DIR     the same with your own photographs"
	@echo "make check               every test, with the address and undefined-behaviour sanitizers"
	@echo "make bench [ARGS=--busy]  speed beside PyTorch and ONNX Runtime where they are installed"
	@echo "make tsan                the tests with the thread sanitizer"
	@echo "make fuzz [SECONDS=60]   every parser under libFuzzer"
	@echo "make man                 docs/man/ursid.1 from the option tables"

release:
	@tools/packages.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release
	@ls -l build/release/ursid

demo:
	@tools/demo.sh $(if $(PHOTOS),"$(PHOTOS)")

check:
	@tools/check.sh

bench:
	@tools/bench.sh $(ARGS)

tsan:
	@tools/check.sh tsan

fuzz:
	@tools/fuzz.sh $(or $(SECONDS),60)

man: release
	@mkdir -p docs/man
	@build/release/ursid help --man > docs/man/ursid.1

clean:
	@rm -rf build demo
