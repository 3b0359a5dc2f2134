// quickstart.go: PyTorch's BatchNorm2d on the twelve numbers 0.1, 0.2, ... 1.2; quickstart.c in Go.
//
//	PKG_CONFIG_PATH=.../lib/pkgconfig go build -o quickstart_go quickstart.go && ./quickstart_go
package main

/*
#cgo pkg-config: halogen
#include <stdlib.h>
#include <halogen/torch.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"os"
	"unsafe"
)

// A floats is memory that C may keep a pointer to while a call runs: Go's own may not hold Go pointers.
type floats struct {
	tensor C.DLTensor
	count  int
}

func newFloats(shape ...int64) *floats {
	count := 1
	for _, extent := range shape {
		count *= int(extent)
	}
	f := &floats{count: count}
	f.tensor.data = C.calloc(C.size_t(count), 4)
	f.tensor.device.device_type = C.kDLCPU
	f.tensor.ndim = C.int32_t(len(shape))
	f.tensor.dtype = C.DLDataType{code: C.kDLFloat, bits: 32, lanes: 1}
	f.tensor.shape = (*C.int64_t)(C.calloc(C.size_t(len(shape)), 8))
	extents := unsafe.Slice(f.tensor.shape, len(shape))
	for i, extent := range shape {
		extents[i] = C.int64_t(extent)
	}
	return f
}

func (f *floats) values() []float32 { return unsafe.Slice((*float32)(f.tensor.data), f.count) }

func (f *floats) free() {
	C.free(f.tensor.data)
	C.free(unsafe.Pointer(f.tensor.shape))
}

// check makes a call, which is given the place for its message.
func check(call func(*C.halogen_error) C.halogen_status) error {
	failure := C.halogen_error{struct_size: C.sizeof_halogen_error}
	if call(&failure) != C.HALOGEN_OK {
		return errors.New(C.GoString(&failure.message[0]))
	}
	return nil
}

func batchNorm(x, y *floats) error {
	var context *C.halogen_context
	err := check(func(e *C.halogen_error) C.halogen_status {
		return C.halogen_context_create(C.halogen_version(), nil, &context, e)
	})
	if err != nil {
		return err
	}
	defer C.halogen_context_destroy(context)

	var params C.halogen_torch_batch_norm_params
	err = check(func(e *C.halogen_error) C.halogen_status {
		return C.halogen_torch_batch_norm_params_init(&params, C.sizeof_halogen_torch_batch_norm_params, 3, e)
	})
	if err != nil {
		return err
	}
	var module *C.halogen_module
	err = check(func(e *C.halogen_error) C.halogen_status {
		return C.halogen_torch_batch_norm2d_create(context, &params, &module, e)
	})
	if err != nil {
		return err
	}
	defer C.halogen_module_destroy(module)
	return check(func(e *C.halogen_error) C.halogen_status {
		return C.halogen_module_forward(module, &x.tensor, &y.tensor, nil, nil, e)
	})
}

func main() {
	x, y := newFloats(1, 3, 2, 2), newFloats(1, 3, 2, 2)
	defer x.free()
	defer y.free()
	for i := range x.values() {
		x.values()[i] = float32(i+1) / 10
	}
	if err := batchNorm(x, y); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
	fmt.Println("torch.nn.BatchNorm2d(3)")
	expected := []float64{-1.341104, -0.447035, 0.447035, 1.341104}
	for i, v := range y.values() {
		fmt.Printf("%11.6f", v)
		if i%4 == 3 {
			fmt.Println()
		}
		if !(math.Abs(float64(v)-expected[i%4]) < 1e-6) {
			fmt.Fprintln(os.Stderr, "quickstart: expected", expected, "in every row")
			os.Exit(1)
		}
	}
}
