//! quickstart.rs: PyTorch's BatchNorm2d on the twelve numbers 0.1, 0.2, ... 1.2; quickstart.c in Rust.
//!
//!     rustc -O quickstart.rs -L native=$(pkg-config --variable=libdir halogen) -o quickstart_rs && ./quickstart_rs
//!
//! Modules are made by their name in Python, so that no params struct is written down twice.
use std::ffi::{c_void, CStr, CString};
use std::os::raw::{c_char, c_int};
use std::ptr;

#[repr(C)]
struct DLDevice {
    device_type: c_int,
    device_id: c_int,
}

#[repr(C)]
struct DLDataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DLTensor {
    data: *mut c_void,
    device: DLDevice,
    ndim: c_int,
    dtype: DLDataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Error {
    struct_size: usize,
    status: c_int,
    message: [c_char; 496],
}

#[link(name = "halogen", kind = "static")]
#[link(name = "m")]
extern "C" {
    fn halogen_version() -> u32;
    fn halogen_context_create(version: u32, options: *const c_void, context: *mut *mut c_void, error: *mut Error) -> c_int;
    fn halogen_context_destroy(context: *mut c_void);
    fn halogen_module_class_find(name: *const c_char, class: *mut c_int, error: *mut Error) -> c_int;
    fn halogen_module_params_size(class: c_int) -> usize;
    fn halogen_module_params_init(class: c_int, params: *mut c_void, size: usize, error: *mut Error) -> c_int;
    fn halogen_module_params_set(
        class: c_int,
        params: *mut c_void,
        name: *const c_char,
        text: *const c_char,
        error: *mut Error,
    ) -> c_int;
    fn halogen_module_create(
        context: *mut c_void,
        class: c_int,
        params: *const c_void,
        module: *mut *mut c_void,
        error: *mut Error,
    ) -> c_int;
    fn halogen_module_destroy(module: *mut c_void);
    fn halogen_module_forward(
        module: *mut c_void,
        input: *const DLTensor,
        output: *const DLTensor,
        stream: *mut c_void,
        ran: *mut c_void,
        error: *mut Error,
    ) -> c_int;
}

/// Makes a call, which is given the place for its message.
fn check(call: impl FnOnce(*mut Error) -> c_int) -> Result<(), String> {
    let mut error = Error { struct_size: std::mem::size_of::<Error>(), status: 0, message: [0; 496] };
    match call(&mut error) {
        0 => Ok(()),
        _ => Err(unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_string_lossy().into_owned()),
    }
}

struct Context(*mut c_void);

impl Context {
    fn new() -> Result<Context, String> {
        let mut made = Context(ptr::null_mut());
        check(|e| unsafe { halogen_context_create(halogen_version(), ptr::null(), &mut made.0, e) })?;
        Ok(made)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        unsafe { halogen_context_destroy(self.0) }
    }
}

/// A module, which its context outlives.
struct Module<'a> {
    handle: *mut c_void,
    _context: &'a Context,
}

impl<'a> Module<'a> {
    fn new(context: &'a Context, name: &str, parameters: &[(&str, &str)]) -> Result<Module<'a>, String> {
        let c_string = |text: &str| CString::new(text).expect("text without a zero");
        let mut class = 0;
        check(|e| unsafe { halogen_module_class_find(c_string(name).as_ptr(), &mut class, e) })?;
        let mut params = [0u64; 128];
        let bytes = params.as_mut_ptr() as *mut c_void;
        check(|e| unsafe { halogen_module_params_init(class, bytes, halogen_module_params_size(class), e) })?;
        for (key, value) in parameters {
            let (key, value) = (c_string(key), c_string(value));
            check(|e| unsafe { halogen_module_params_set(class, bytes, key.as_ptr(), value.as_ptr(), e) })?;
        }
        let mut made = Module { handle: ptr::null_mut(), _context: context };
        check(|e| unsafe { halogen_module_create(context.0, class, bytes, &mut made.handle, e) })?;
        Ok(made)
    }

    fn forward(&mut self, x: &mut [f32], y: &mut [f32], shape: &mut [i64]) -> Result<(), String> {
        let mut tensor = |data: &mut [f32]| DLTensor {
            data: data.as_mut_ptr() as *mut c_void,
            device: DLDevice { device_type: 1, device_id: 0 },
            ndim: shape.len() as c_int,
            dtype: DLDataType { code: 2, bits: 32, lanes: 1 },
            shape: shape.as_mut_ptr(),
            strides: ptr::null_mut(),
            byte_offset: 0,
        };
        let (input, output) = (tensor(x), tensor(y));
        check(|e| unsafe { halogen_module_forward(self.handle, &input, &output, ptr::null_mut(), ptr::null_mut(), e) })
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        unsafe { halogen_module_destroy(self.handle) }
    }
}

fn main() -> Result<(), String> {
    let mut x: Vec<f32> = (1..=12).map(|i| i as f32 / 10.0).collect();
    let mut y = vec![0f32; 12];
    let context = Context::new()?;
    let mut layer = Module::new(&context, "torch.nn.BatchNorm2d", &[("num_features", "3")])?;
    layer.forward(&mut x, &mut y, &mut [1, 3, 2, 2])?;
    println!("torch.nn.BatchNorm2d(3)");
    let expected = [-1.341104f32, -0.447035, 0.447035, 1.341104];
    for row in y.chunks(4) {
        println!("{:11.6}{:11.6}{:11.6}{:11.6}", row[0], row[1], row[2], row[3]);
        if row.iter().zip(&expected).any(|(a, b)| !((a - b).abs() < 1e-6)) {
            return Err("expected -1.341104 -0.447035 0.447035 1.341104 in every row".into());
        }
    }
    Ok(())
}
