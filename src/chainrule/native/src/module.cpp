// The Python face of the kernels: chainrule.native._kernels.
#include "convert.h"
#include "predictor.h"
#include "trainer.h"

namespace chainrule {
namespace {

template <class T>
void bind(nb::module_& m, const char* trainer, const char* predictor) {
    using namespace nb::literals;
    nb::class_<Trainer<T>>(m, trainer)
        .def(nb::init<const std::vector<LayerTuple>&, const std::vector<SegmentTuple>&,
                      const UpdateTuple&, bool, int, double, Array<T>, Array<T>,
                      std::vector<Array<T>>, std::optional<Array<const T>>,
                      std::optional<SparseArrays<T>>, std::optional<PairArrays>,
                      std::optional<Array<const std::uint8_t>>, std::optional<Array<const T>>,
                      std::optional<Array<const std::int64_t>>,
                      std::optional<Array<const T>>, std::optional<Array<const T>>, Index,
                      const std::string&, const BlasTuple&, int>(),
             nb::kw_only(), "layers"_a, "segments"_a, "update"_a, "fused"_a, "criterion"_a,
             "criterion_parameter"_a, "params"_a, "grads"_a, "moments"_a, "X"_a.none(),
             "csr"_a.none(), "pairs"_a.none(), "bytes"_a.none(), "table"_a.none(),
             "labels"_a.none(), "targets"_a.none(), "weights"_a.none(),
             "batch_size"_a, "isa"_a, "blas"_a, "threads"_a)
        .def("open", &Trainer<T>::open)
        .def("close", &Trainer<T>::close)
        .def("run", &Trainer<T>::run, "order"_a, "first"_a, "lrs"_a, "step"_a, "keep_grads"_a,
             "threads"_a, "random"_a.none(), "loss"_a, "weight"_a, "hits"_a, "examples"_a);
    nb::class_<Predictor<T>>(m, predictor)
        .def(nb::init<const std::vector<LayerTuple>&, Array<const T>, const std::string&,
                      const BlasTuple&>())
        .def_prop_ro("first_is_linear", &Predictor<T>::first_is_linear)
        .def("predict", &Predictor<T>::predict)
        .def("predict_csr", &Predictor<T>::predict_csr);
    m.def("count_nonzeros", &count_nonzeros<T>);
    m.def("fill_nonzeros", &fill_nonzeros<T>);
    m.def("fill_pairs", &fill_pairs<T>);
    m.def("fill_coded", &fill_coded<T>);
}

}  // namespace
}  // namespace chainrule

NB_MODULE(_kernels, m) {
    m.doc() = "Training steps and outputs of networks, compiled; see src/ beside this file.";
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const auto* set : chainrule::instruction_sets()) names.push_back(set->name);
        return names;
    });
    chainrule::bind<float>(m, "Trainer32", "Predictor32");
    chainrule::bind<double>(m, "Trainer64", "Predictor64");
}
