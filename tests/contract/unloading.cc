// A program that lets go of the library, which it had loaded by hand, as plugins are. Handlers of
// signals and threads of the library's stay behind, and so must their code.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>

#include <cstdio>

namespace {

// Symbols of some compilers keep a library as well, but that is not to be relied upon.
bool says_so_itself(void* library) {
  const link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return false;
  for (const ElfW(Dyn)* d = map->l_ld; d->d_tag != DT_NULL; ++d) {
    if (d->d_tag == DT_FLAGS_1) return (d->d_un.d_val & DF_1_NODELETE) != 0;
  }
  return false;
}

}  // namespace

int main(int, char** arguments) {
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::puts(dlerror());
    return 1;
  }
  using function = void (*)(int);
  const auto dump_on_signal =
      reinterpret_cast<function>(dlsym(library, "_ZN4conc14dump_on_signalEi"));
  if (dump_on_signal == nullptr) return 2;
  if (!says_so_itself(library)) return 4;
  dump_on_signal(SIGUSR1);
  if (dlclose(library) != 0) return 3;
  for (int i = 0; i < 10; ++i) raise(SIGUSR1);
  return 0;
}
