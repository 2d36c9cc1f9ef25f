#include <mmoe/error.h>
#include <mmoe/mmoe.h>
#include <mmoe/model.h>
#include <mmoe/plan.h>
#include <mmoe/session.h>

extern "C" int load_nothing(void);

int main() {
  const bool refused = !mmoe::Model::map("/nonexistent.mmoe");
  return refused && load_nothing() ? 0 : 1;
}
